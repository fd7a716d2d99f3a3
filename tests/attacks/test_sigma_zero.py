"""σ-zero against the fewest entries of an affine model, the paper's steps written out, and counted passes."""

import math

import pytest
import torch

from advcourse.attacks import sigma_zero
from advcourse.attacks._sigma_zero import changed
from advcourse.core.running import count_passes
from tests.support.affine import affine, scattered
from tests.support.recorders import Recorder
from tests.support.scenes import gradient, scene
from tests.support.sparse import exact_sparse
from tests.support.toys import Constant, pictures, smooth_cnn


@pytest.mark.parametrize(("classes", "spread"), [(2, 0.2), (5, 0.2), (2, 1.8)])
def test_the_fewest_entries_of_an_affine_model(classes, spread):
    """Where there are as many as it takes: images are brightened or darkened by up to half or by up to one."""
    model, images = affine(classes), scattered(6, spread)
    labels = model(images).argmax(1)
    result = sigma_zero(model, images, labels, steps=200)
    assert (model(result).argmax(1) != labels).all()
    assert torch.equal(changed(result, images), exact_sparse(model, images, labels, "l0"))


def test_more_entries_than_one_where_one_is_not_enough():
    model, images = affine(2, bias=5.0), scattered(6)
    labels = torch.zeros(6, dtype=torch.int64)
    exact = exact_sparse(model, images, labels, "l0")
    found = changed(sigma_zero(model, images, labels, steps=300), images)
    assert exact.isfinite().all() and exact.min() >= 2
    assert (found >= exact).all() and (found == exact).sum() >= 5


def written_out(model, image, label, steps, target=None):
    """The iterates of one image, by a plain Adam."""
    delta, threshold, mean, square = torch.zeros_like(image), 0.3, torch.zeros_like(image), torch.zeros_like(image)
    iterates = []

    def hinge(delta):
        z = model(image + delta)[0]
        if target is None:
            return (z[label] - torch.cat([z[:label], z[label + 1 :]]).max()).clamp(min=0)
        return (torch.cat([z[:target], z[target + 1 :]]).max() - z[target]).clamp(min=0)

    for k in range(steps):
        iterates.append(image + delta)
        fooled = hinge(delta).item() == 0
        g = gradient(lambda delta: hinge(delta) + (delta**2 / (delta**2 + 1e-3)).mean(), delta)
        g = g / g.abs().max()
        mean, square = 0.9 * mean + 0.1 * g, 0.999 * square + 0.001 * g**2
        rate = 0.1 + 0.9 * (1 + math.cos(math.pi * k / steps)) / 2
        step = rate * mean / (1 - 0.9 ** (k + 1)) / ((square / (1 - 0.999 ** (k + 1))).sqrt() + 1e-8)
        delta = (image + delta - step).clamp(0, 1) - image
        threshold = min(1.0, max(0.0, threshold + (0.01 if fooled else -0.01) * rate))
        delta = torch.where(delta.abs() < threshold, 0, delta)
    return torch.cat([*iterates, image + delta])


@pytest.mark.parametrize("targeted", [False, True])
def test_the_papers_steps_written_out(targeted):
    network, images, labels = scene(3)
    for i in range(3):
        model, target = Recorder(network), (labels[i] + 1) % 4
        sigma_zero(model, images[[i]], labels[[i]], steps=20, targets=target[None] if targeted else None)
        expected = written_out(network, images[[i]], labels[i].item(), 20, target.item() if targeted else None)
        torch.testing.assert_close(torch.cat(model.seen[1:]), expected, rtol=0, atol=1e-7)


def test_the_fewest_of_all_iterates_is_returned_and_entries_that_are_back_are_the_images():
    for steps in range(10, 26):
        model, images = Recorder(smooth_cnn()), pictures(1)
        labels = model.model(images).argmax(1)
        result = sigma_zero(model, images, labels, steps=steps)
        seen = torch.cat(model.seen[1:])
        assert len(seen) == steps + 1
        fooled = model.model(seen).argmax(1) != labels
        count = changed(seen, images).where(fooled, torch.inf)
        assert torch.equal(result[0], seen[count.argmin()] if fooled.any() else images[0])
    assert 0 < changed(result, images) < images.numel() / 2


def test_cost_is_a_pass_each_way_per_step_and_two_forwards():
    model, images, labels = scene(5)
    labels[:2] = (labels[:2] + 1) % 4  # these leave at once
    with count_passes(model) as passes:
        sigma_zero(model, images, labels, steps=7)
    assert (passes.forwards, passes.backwards) == (5 + 3 * 8, 3 * 7)


def test_a_gradient_of_zero_moves_nothing():
    images = pictures(3)
    assert torch.equal(sigma_zero(Constant(), images, torch.zeros(3, dtype=torch.int64), steps=5), images)
