"""ALMA against exact distances, the paper's steps written out by autograd, recorded iterates and counted passes."""

from functools import partial

import pytest
import torch

from advcourse.attacks import alma
from advcourse.attacks._alma import first_rate, logit_ratio, penalty_slope
from advcourse.core.balls import norms
from advcourse.core.running import count_passes
from tests.support.affine import affine, exact_distance, scattered
from tests.support.recorders import Recorder
from tests.support.scenes import gradient, normal, scene
from tests.support.toys import Constant, pictures, smooth_cnn


@pytest.mark.parametrize(("classes", "spread"), [(2, 0.2), (3, 0.2), (5, 0.2), (2, 1.8)])
def test_the_exact_distance_of_an_affine_model(classes, spread):
    """At spread 1.8 most pixels are at the ends of the box."""
    model, images = affine(classes), scattered(6, spread)
    labels = model(images).argmax(1)
    result = alma(model, images, labels, steps=300, first_step=0.02)
    ratio = norms(result - images, "l2") / exact_distance(model, images, labels)
    assert (model(result).argmax(1) != labels).all()
    assert ratio.min() >= 1 - 1e-9 and ratio.max() <= 1.02


def penalty(r, rho, mu):
    """P2, as it stands in the paper."""
    return torch.where(r >= 0, mu * r + mu * rho * r**2 + rho**2 * r**3 / 6, mu * r / (1 - rho * r.clamp(max=0)))


def ratio_of(z, label, target=None):
    top = z.sort(descending=True).values
    if target is None:
        return (z[label] - torch.cat([z[:label], z[label + 1 :]]).max()) / (top[0] - top[2])
    return (torch.cat([z[:target], z[target + 1 :]]).max() - z[target]) / (top[0] - (top[2] + top[3]) / 2)


def written_out(model, image, label, steps, target=None):
    """The iterates of one image, and how often ρ rose."""
    delta, v, b = torch.zeros_like(image), torch.ones_like(image), torch.zeros_like(image)
    mu, rho = (torch.tensor(1.0, dtype=image.dtype) for _ in range(2))
    rate, found, before, iterates, rises = None, None, None, [], 0

    def ratio(delta):
        return ratio_of(model(image + delta)[0], label, target)

    def lagrangian(delta, rho, mu):
        return (delta.norm() if delta.any() else 0) + penalty(ratio(delta), rho, mu)

    for k in range(steps):
        iterates.append(image + delta)
        r = ratio(delta).detach()
        found = k if found is None and r < 0 else found
        if k == 0:
            before = r
        elif (k + 1) % 10 == 0:
            if found is None and r >= 0.95 * before:
                rho, rises = 1.2 * rho, rises + 1
            before = r
        if k:
            mu = (0.9 * mu + 0.1 * gradient(partial(penalty, rho=rho, mu=mu), r)).clamp(1e-6, 1e12)
        g = gradient(partial(lagrangian, rho=rho, mu=mu), delta)
        if k == 0:
            low, high = 0.0, 1e7
            for _ in range(100):
                middle = (low + high) / 2
                short = ((image - middle * g).clamp(0, 1) - image).norm() < 0.1
                low, high = (middle, high) if short else (low, middle)
            rate = high
        v = 0.9 * v + 0.1 * g**2
        b = 0.9 * b + g / (v.sqrt() + 1e-8)
        decay = 1.0 if found is None else 0.01 ** ((k - found) / (steps - found))
        delta = (image + delta - rate * decay * b).clamp(0, 1) - image
    return torch.cat([*iterates, image + delta]), rises


@pytest.mark.parametrize("targeted", [False, True])
def test_the_papers_steps_written_out(targeted):
    network, images, labels = scene(3)
    for i in range(3):
        model, target = Recorder(network), (labels[i] + 1) % 4
        alma(
            model,
            images[[i]],
            labels[[i]],
            steps=25,
            smoothing=0.9,
            first_step=0.1,
            targets=target[None] if targeted else None,
        )
        expected, _ = written_out(network, images[[i]], labels[i].item(), 25, target.item() if targeted else None)
        torch.testing.assert_close(torch.cat(model.seen[1:]), expected, rtol=0, atol=1e-5)


def test_the_penalty_rises_while_nothing_fools_and_nothing_improves():
    """Where the label leads by far its ratio stays near 1, whatever the attack does."""
    network, images = affine(4, bias=60.0), scattered(1)
    model = Recorder(network)
    assert network(images).argmax(1) == 0
    alma(model, images, torch.tensor([0]), steps=45, smoothing=0.9, first_step=0.1)
    expected, rises = written_out(network, images, 0, 45)
    assert rises >= 3
    torch.testing.assert_close(torch.cat(model.seen[1:]), expected, rtol=0, atol=1e-5)


def test_the_slope_is_that_of_the_penalty():
    r, rho, mu = normal(50) * 3, 1 + normal(50, seed=1).abs(), normal(50, seed=2).abs()
    slope = gradient(lambda r: penalty(r, rho, mu), r)
    torch.testing.assert_close(penalty_slope(r, rho, mu), slope, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("classes", [2, 3, 4, 7])
@pytest.mark.parametrize("targeted", [False, True])
def test_the_ratio_is_negative_where_it_fools_and_blind_to_scale_and_shift(classes, targeted):
    z, labels = normal(40, classes), torch.arange(40) % classes
    targets = (labels + 1) % classes if targeted else None
    unit = normal(40, seed=5).abs()
    ratio = logit_ratio(z, labels, targets, unit)
    fools = z.argmax(1) != labels if targets is None else z.argmax(1) == targets
    assert torch.equal(ratio < 0, fools)
    torch.testing.assert_close(logit_ratio(7 * z + 3, labels, targets, 7 * unit), ratio)
    if classes == 7:
        expected = [ratio_of(z[i], int(labels[i]), None if targets is None else int(targets[i])) for i in range(40)]
        torch.testing.assert_close(ratio, torch.stack(expected))
    slope = gradient(lambda z: logit_ratio(z, labels, targets, unit), z)
    assert (slope[~fools] != 0).any(1).all()


def test_the_first_rate_makes_the_step_that_long_in_the_box():
    images, g = pictures(4), normal(4, 2, 8, 6, seed=4) * torch.tensor([1e-6, 1.0, 1e4, 0.0])[:, None, None, None]
    rate = first_rate(images, g, 0.4)
    moved = (images - rate[:, None, None, None] * g).clamp(0, 1) - images
    assert norms(moved, "l2").tolist() == pytest.approx([0.4, 0.4, 0.4, 0.0], rel=1e-5)
    assert first_rate(images, g, 1e3).isfinite().all()  # which no step in the box reaches


def test_the_closest_of_all_iterates_is_returned_and_the_last_is_one_of_them():
    places = []
    for steps in range(4, 24):
        model, images = Recorder(smooth_cnn()), pictures(1)
        labels = model.model(images).argmax(1)
        result = alma(model, images, labels, steps=steps)
        seen = torch.cat(model.seen[1:])
        assert len(seen) == steps + 1
        fooled = model.model(seen).argmax(1) != labels
        distance = norms(seen - images, "l2").where(fooled, torch.inf)
        assert torch.equal(result[0], seen[distance.argmin()] if fooled.any() else images[0])
        places.append(fooled.any() and distance.argmin().item() == steps)
    assert any(places) and not all(places)


def test_cost_is_a_pass_each_way_per_step_and_two_forwards():
    model, images, labels = scene(5)
    labels[:2] = (labels[:2] + 1) % 4  # these leave at once
    with count_passes(model) as passes:
        alma(model, images, labels, steps=7)
    assert (passes.forwards, passes.backwards) == (5 + 3 * 8, 3 * 7)


def test_a_gradient_of_zero_moves_nothing():
    images = pictures(3)
    assert torch.equal(alma(Constant(), images, torch.zeros(3, dtype=torch.int64), steps=5), images)
