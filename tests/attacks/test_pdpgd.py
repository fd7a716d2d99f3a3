"""PDPGD against exact distances, its steps written out, its proximal steps by their definition, and counted passes."""

import math

import pytest
import torch
from torch.nn.functional import softplus

from advcourse.attacks import pdpgd
from advcourse.attacks._pdpgd import flatter, sparser
from advcourse.core.balls import norms
from advcourse.core.running import count_passes
from tests.support.affine import affine, exact_distance, scattered
from tests.support.recorders import Recorder
from tests.support.scenes import gradient, normal, scene
from tests.support.sparse import exact_sparse
from tests.support.toys import Constant, pictures, smooth_cnn

NORMS = ("l1", "l2", "linf")


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0.2, 1.8])
@pytest.mark.parametrize("norm", NORMS)
def test_the_exact_distance_of_an_affine_model(norm, spread):
    """At spread 1.8 most pixels are at the ends of the box."""
    model, images = affine(2), scattered(6, spread)
    labels = model(images).argmax(1)
    exact = exact_sparse(model, images, labels, "l1") if norm == "l1" else exact_distance(model, images, labels, norm)
    ratios = []
    for steps in (500, 2000):
        result = pdpgd(model, images, labels, norm=norm, steps=steps)
        assert (model(result).argmax(1) != labels).all()
        ratios.append(norms(result - images, norm) / exact)
    assert ratios[0].max() <= 1.1 and ratios[1].max() <= 1.03 and ratios[1].min() >= 1 - 1e-9
    assert ratios[1].median() < ratios[0].median()


@pytest.mark.parametrize("norm", ["l1", "linf"])
def test_a_proximal_step_is_the_minimum_of_its_definition(norm):
    r, metric = normal(3, 2, 3, 3, seed=1), 0.1 + normal(3, 2, 3, 3, seed=2).abs()
    price = torch.tensor([1e-3, 0.5, 100.0], dtype=r.dtype)[:, None, None, None]
    shrink = sparser if norm == "l1" else flatter

    def value(delta):
        return price.flatten() * norms(delta, norm) + (metric * (delta - r) ** 2 / 2).flatten(1).sum(1)

    found = shrink(r.clone(), metric, price)
    least = value(found)
    assert torch.equal(found[2], torch.zeros_like(found[2])) and (found[:2] != 0).any() and (found[0] != r[0]).any()
    for seed in range(200):  # convex: a minimum among its neighbours is the minimum
        for size in (1e-4, 1e-2, 1.0):
            assert (value(found + size * normal(3, 2, 3, 3, seed=seed)) >= least - 1e-12).all()
    for share in (0.99, 1.01):
        assert (value(share * found) >= least - 1e-12).all()
    free = shrink(r.clone(), metric, torch.zeros_like(price))
    torch.testing.assert_close(free, r)


def written_out(model, x, label, norm, steps, target=None):
    """The iterates of one image, in flat vectors; thresholds by bisection."""
    image, delta = x.flatten(), torch.zeros(x.numel(), dtype=x.dtype)
    mean, square, odds = torch.zeros_like(delta), torch.zeros_like(delta), math.log(100)
    weight = 1 / (1 + math.exp(-odds))
    iterates = []

    def margin(flat):
        z = model(flat.view(x.shape))[0]
        if target is None:
            return z[label] - torch.cat([z[:label], z[label + 1 :]]).max()
        return torch.cat([z[:target], z[target + 1 :]]).max() - z[target]

    def boxed(moved):
        return (image + moved).clamp(0, 1) - image

    for k in range(steps):
        iterates.append((image + delta).view(x.shape))
        m = margin(image + delta).item()
        g = gradient(lambda flat: softplus(margin(flat)), image + delta)
        if norm == "l2":
            g = weight * g + (1 - weight) * delta / max(delta.norm().item(), 1e-300)
        mean, square = 0.9 * mean + 0.1 * g, 0.999 * square + 0.001 * g**2
        d = (square / (1 - 0.999 ** (k + 1))).sqrt() + 1e-8
        eta = 0.1 * 0.01 ** (k / steps)
        r = boxed(delta - eta * mean / (1 - 0.9 ** (k + 1)) / d)
        mu = (1 - weight) / weight * eta
        if norm == "l1":
            d = torch.maximum(d, d.max() / 10)
            r = boxed(r.sign() * (r.abs() - mu / d).clamp(min=0))
        elif norm == "linf":
            low, high = 0.0, r.abs().max().item()
            for _ in range(200):
                t = (low + high) / 2
                low, high = (t, high) if (d * (r.abs() - t).clamp(min=0)).sum() > mu else (low, t)
            r = r.clamp(-high, high)
        delta = r
        theta = 0.1 * (0.1 + 0.9 * (steps - 1 - k) / (steps - 1))
        odds = min(max(odds + math.copysign(theta, m), math.log(1e-6)), -math.log(1e-6))
        weight = 0.9 * weight + 0.1 / (1 + math.exp(-odds))
    iterates.append((image + delta).view(x.shape))
    return torch.cat(iterates)


@pytest.mark.parametrize("targeted", [False, True])
@pytest.mark.parametrize("norm", NORMS)
def test_the_steps_written_out(norm, targeted):
    network, images, labels = scene(3)
    for i in range(3):
        model, target = Recorder(network), (labels[i] + 1) % 4
        pdpgd(model, images[[i]], labels[[i]], norm=norm, steps=30, targets=target[None] if targeted else None)
        expected = written_out(network, images[[i]], labels[i].item(), norm, 30, target.item() if targeted else None)
        torch.testing.assert_close(torch.cat(model.seen[1:]), expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize("norm", NORMS)
def test_the_closest_of_all_iterates_is_returned_and_the_last_is_one_of_them(norm):
    places = []
    for steps in range(1, 24):
        model, images = Recorder(smooth_cnn()), pictures(1)
        labels = model.model(images).argmax(1)
        result = pdpgd(model, images, labels, norm=norm, steps=steps)
        seen = torch.cat(model.seen[1:])
        assert len(seen) == steps + 1
        fooled = model.model(seen).argmax(1) != labels
        distance = norms(seen - images, norm).where(fooled, torch.inf)
        assert torch.equal(result[0], seen[distance.argmin()] if fooled.any() else images[0])
        places.append(bool(fooled.any()) and distance.argmin().item() == steps)
    assert any(places) and not all(places)


def test_cost_is_a_pass_each_way_per_step_and_two_forwards():
    model, images, labels = scene(5)
    labels[:2] = (labels[:2] + 1) % 4  # these leave at once
    with count_passes(model) as passes:
        pdpgd(model, images, labels, steps=7)
    assert (passes.forwards, passes.backwards) == (5 + 3 * 8, 3 * 7)


@pytest.mark.parametrize("norm", NORMS)
def test_a_gradient_of_zero_moves_nothing(norm):
    images = pictures(3)
    labels = torch.zeros(3, dtype=torch.int64)
    assert torch.equal(pdpgd(Constant(), images, labels, norm=norm, steps=5), images)


@pytest.mark.parametrize("norm", NORMS)
def test_one_step_is_enough_to_be_asked_for(norm):
    model, images, labels = scene(2)
    result = pdpgd(model, images, labels, norm=norm, steps=1)
    assert result.isfinite().all() and result.shape == images.shape
