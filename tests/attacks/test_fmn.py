"""FMN against exact distances, the paper's steps written out, recorded iterates and counted passes."""

import math

import pytest
import torch

from advcourse.attacks import fmn
from advcourse.attacks._fmn import onto_ball_, sizes_of
from advcourse.core.running import count_passes
from tests.support.affine import affine, exact_distance, scattered
from tests.support.recorders import Recorder
from tests.support.scenes import gradient, normal, scene
from tests.support.sparse import exact_sparse
from tests.support.toys import Constant, pictures, smooth_cnn

NORMS = ("l0", "l1", "l2", "linf")


@pytest.mark.parametrize("spread", [0.2, 1.8])
@pytest.mark.parametrize("norm", NORMS)
def test_the_exact_distance_of_an_affine_model(norm, spread):
    """At spread 1.8 most pixels are at the ends of the box."""
    model, images = affine(2), scattered(6, spread)
    labels = model(images).argmax(1)
    result = fmn(model, images, labels, norm=norm, steps=200)
    exact = exact_distance if norm in ("l2", "linf") else exact_sparse
    ratio = sizes_of(result - images, norm) / exact(model, images, labels, norm)
    assert (model(result).argmax(1) != labels).all()
    assert ratio.min() >= 1 - 1e-9 and ratio.max() <= 1.02


def test_the_nearest_of_several_classes_in_l2():
    model, images = affine(5), scattered(6)
    labels = model(images).argmax(1)
    result = fmn(model, images, labels, steps=200)
    ratio = sizes_of(result - images, "l2") / exact_distance(model, images, labels)
    assert ratio.min() >= 1 - 1e-9 and ratio.max() <= 1.02


def written_out(model, x, label, norm, steps, target=None):
    """The iterates of one image, in numbers and flat vectors."""
    image, delta, eps, found, least = x.flatten(), torch.zeros(x.numel(), dtype=x.dtype), 1.0, False, math.inf
    farthest = sizes_of((0.5 + (x - 0.5).abs()), norm).item()
    iterates = []

    def margin(flat):
        z = model(flat.view(x.shape))[0]
        if target is None:
            return torch.cat([z[:label], z[label + 1 :]]).max() - z[label]
        return z[target] - torch.cat([z[:target], z[target + 1 :]]).max()

    for k in range(steps):
        iterates.append((image + delta).view(x.shape))
        m = margin(image + delta).item()
        g = gradient(margin, image + delta)
        cosine = (1 + math.cos(math.pi * k / steps)) / 2
        alpha, gamma = 0.01 + 0.99 * cosine, 0.001 + 0.049 * cosine
        length = sizes_of(delta[None], norm).item()
        if m > 0:
            found, least = True, min(least, length)
        if norm == "l0":
            less, more = min(eps - 1, math.floor(eps * (1 - gamma))), max(eps + 1, math.floor(eps * (1 + gamma)))
            eps = max(0, min(less, least)) if m > 0 else more
        elif m > 0:
            eps = min(eps * (1 - gamma), least)
        elif found:
            eps = eps * (1 + gamma)
        else:
            dual = {"l1": g.abs().max(), "l2": g.norm(), "linf": g.abs().sum()}[norm].item()
            eps = (length + abs(m) / dual) * (1 + gamma)
        eps = min(eps, farthest)
        pixels = image + delta
        g = torch.where(((g > 0) & (pixels >= 1)) | ((g < 0) & (pixels <= 0)), 0, g)
        moved = delta + alpha * g / g.norm()
        if norm == "linf":
            moved = moved.clamp(-eps, eps)
        elif norm == "l2":
            moved = moved / moved.norm() * eps
        elif norm == "l0":
            order = sorted(range(len(moved)), key=lambda i: -abs(moved[i]))
            moved[order[int(eps) :]] = 0
        elif moved.abs().sum() > eps:
            low, high = 0.0, moved.abs().max().item()
            for _ in range(100):
                middle = (low + high) / 2
                inside = (moved.abs() - middle).clamp(min=0).sum() <= eps
                low, high = (low, middle) if inside else (middle, high)
            moved = (moved.abs() - high).clamp(min=0) * moved.sign()
        delta = (image + moved).clamp(0, 1) - image
    iterates.append((image + delta).view(x.shape))
    return torch.cat(iterates)


@pytest.mark.parametrize("targeted", [False, True])
@pytest.mark.parametrize("norm", NORMS)
def test_the_papers_steps_written_out(norm, targeted):
    network, images, labels = scene(3)
    for i in range(3):
        model, target = Recorder(network), (labels[i] + 1) % 4
        fmn(model, images[[i]], labels[[i]], norm=norm, steps=30, targets=target[None] if targeted else None)
        expected = written_out(network, images[[i]], labels[i].item(), norm, 30, target.item() if targeted else None)
        torch.testing.assert_close(torch.cat(model.seen[1:]), expected, rtol=0, atol=1e-9)


def test_projections_onto_balls_of_several_radii():
    delta, eps = normal(4, 2, 3, 3, seed=3), torch.tensor([0.0, 0.5, 3.0, 100.0], dtype=torch.float64)
    for norm in NORMS:
        result = onto_ball_(delta.clone(), eps.floor() if norm == "l0" else eps, norm)
        assert (sizes_of(result, norm) <= eps + 1e-9).all() and torch.equal(result[0], torch.zeros_like(result[0]))
        if norm != "l2":
            assert torch.equal(result[3], delta[3])
    l1 = onto_ball_(delta.clone(), eps, "l1")
    assert sizes_of(l1, "l1")[1:3].tolist() == pytest.approx([0.5, 3.0])
    lost = (delta - l1).abs().flatten(1)[2]
    kept = l1.flatten(1)[2] != 0
    assert 1 < kept.sum() < 18 and (lost[kept] - lost.max()).abs().max() < 1e-12  # one threshold for all that is left


def test_the_largest_entries_are_kept_in_l0_and_of_equal_ones_the_first():
    delta = normal(7, 2, 3, 3, seed=4).mul(2).round().div(2)
    eps = torch.tensor([0.0, 1.0, 2.0, 3.0, 5.0, 9.0, 18.0], dtype=torch.float64)
    result = onto_ball_(delta.clone(), eps, "l0")
    for i in range(len(delta)):
        flat = delta[i].flatten()
        order = sorted(range(18), key=lambda j, flat=flat: -abs(flat[j]))
        kept = torch.zeros(18, dtype=torch.bool)
        kept[order[: int(eps[i])]] = True
        assert torch.equal(result[i].flatten(), torch.where(kept, flat, 0))


@pytest.mark.parametrize("norm", NORMS)
def test_the_closest_of_all_iterates_is_returned_and_the_last_is_one_of_them(norm):
    places = []
    for steps in range(3, 19):
        model, images = Recorder(smooth_cnn()), pictures(1)
        labels = model.model(images).argmax(1)
        result = fmn(model, images, labels, norm=norm, steps=steps)
        seen = torch.cat(model.seen[1:])
        assert len(seen) == steps + 1
        fooled = model.model(seen).argmax(1) != labels
        distance = sizes_of(seen - images, norm).where(fooled, torch.inf)
        assert torch.equal(result[0], seen[distance.argmin()] if fooled.any() else images[0])
        places.append(fooled.any() and distance.argmin().item() == steps)
    assert any(places) and not all(places)


def test_cost_is_a_pass_each_way_per_step_and_two_forwards():
    model, images, labels = scene(5)
    labels[:2] = (labels[:2] + 1) % 4  # these leave at once
    with count_passes(model) as passes:
        fmn(model, images, labels, steps=7)
    assert (passes.forwards, passes.backwards) == (5 + 3 * 8, 3 * 7)


@pytest.mark.parametrize("norm", NORMS)
def test_a_gradient_of_zero_moves_nothing(norm):
    images = pictures(3)
    assert torch.equal(fmn(Constant(), images, torch.zeros(3, dtype=torch.int64), norm=norm, steps=5), images)
