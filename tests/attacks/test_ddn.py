"""Decoupled direction and norm against exact distances, recorded iterates and counted passes."""

import pytest
import torch

from advcourse.attacks import ddn
from advcourse.core.balls import norms
from advcourse.core.running import count_passes
from advcourse.evaluation import quantize
from tests.support.affine import affine, exact_distance, scattered
from tests.support.recorders import Recorder
from tests.support.scenes import loss_gradient, scene
from tests.support.toys import Constant, Shifted, pictures, smooth_cnn


@pytest.mark.parametrize(("classes", "spread"), [(2, 0.2), (5, 0.2), (2, 1.8)])
def test_the_exact_distance_of_an_affine_model(classes, spread):
    """At spread 1.8 most pixels are at the ends of the box. At small logits the cross-entropy of several classes points
    between them, hence the scale."""
    model, images = Shifted(affine(classes), scale=5.0), scattered(6, spread)
    labels = model(images).argmax(1)
    result = ddn(model, images, labels, steps=300, gamma=0.02)
    ratio = norms(result - images, "l2") / exact_distance(model.model, images, labels)
    assert (model(result).argmax(1) != labels).all()
    assert ratio.min() >= 1 - 1e-9 and ratio.max() <= 1.05


def test_the_norm_shrinks_where_it_fools_and_grows_where_it_does_not():
    """Away from the ends of the box, by gamma each time, whatever the gradient's length."""
    model, images = Recorder(affine(2)), scattered(1)
    labels = model.model(images).argmax(1)
    ddn(model, images, labels, steps=40, init_norm=0.3, gamma=0.1)
    lengths = [norms(x - images, "l2").item() for x in model.seen]
    fooled = [bool(model.model(x).argmax(1) != labels) for x in model.seen]
    assert lengths[0] == 0 and lengths[1] == pytest.approx(0.33)
    assert 5 < sum(fooled) < 36
    for before, after, success in zip(lengths[1:], lengths[2:], fooled[1:], strict=False):
        assert after / before == pytest.approx(0.9 if success else 1.1)


def test_the_step_falls_along_a_cosine_to_a_hundredth():
    model, images = Recorder(smooth_cnn()), pictures(1)
    labels, eps = model.model(images).argmax(1), 1.0
    ddn(model, images, labels, steps=4)
    for x, following, alpha in zip(model.seen, model.seen[1:], (1, 0.8550, 0.5050, 0.1550), strict=False):
        gradient = loss_gradient(model.model, x, labels)
        delta = x - images + alpha * gradient / gradient.norm()
        eps *= 0.95 if model.model(x).argmax(1) != labels else 1.05
        torch.testing.assert_close(following, (images + eps * delta / delta.norm()).clamp(0, 1), rtol=0, atol=1e-5)


def test_the_closest_of_all_iterates_is_returned_and_the_last_is_one_of_them():
    places = []
    for steps in range(4, 24):
        model, images = Recorder(smooth_cnn()), pictures(1)
        labels = model.model(images).argmax(1)
        result = ddn(model, images, labels, steps=steps)
        seen = torch.cat(model.seen)
        assert len(seen) == steps + 1
        fooled = model.model(seen).argmax(1) != labels
        distance = norms(seen - images, "l2").where(fooled, torch.inf)
        torch.testing.assert_close(
            result[0], seen[distance.argmin()] if fooled.any() else images[0], rtol=0, atol=1e-12
        )
        places.append(distance.argmin().item() == steps)
    assert any(places) and not all(places)


def test_cost_is_a_pass_each_way_per_step_and_one_forward():
    model, images, labels = scene(5)
    with count_passes(model) as passes:
        ddn(model, images, labels, steps=7)
    assert (passes.forwards, passes.backwards) == (5 * 8, 5 * 7)
    labels[:2] = (labels[:2] + 1) % 4
    with count_passes(model) as passes:
        ddn(model, images, labels, steps=7)
    assert (passes.forwards, passes.backwards) == (5 + 3 * 7, 5 + 3 * 6)  # the first backward is shared


def test_success_grows_with_steps():
    model, images, labels = scene(30)
    success = [
        (model(ddn(model, images, labels, steps=steps, init_norm=0.1)).argmax(1) != labels).sum()
        for steps in (1, 4, 16, 64)
    ]
    assert success == sorted(success) and success[0] < success[-1] == 30


@pytest.mark.parametrize("levels", [256, 16])
def test_levels_keep_every_iterate_on_the_grid(levels):
    """An adversarial image between the levels would lose its effect when saved."""
    model, images = smooth_cnn(), quantize(pictures(8)).mul(15).round().div(15)
    labels = model(images).argmax(1)
    result = ddn(model, images, labels, steps=40, levels=levels)
    steps = result * (levels - 1)
    torch.testing.assert_close(steps, steps.round(), rtol=0, atol=1e-9)
    assert (model(result).argmax(1) != labels).all()


@pytest.mark.parametrize("scale", [1e-12, 0.1, 5.0])
def test_the_direction_does_not_depend_on_the_length_of_the_gradient(scale):
    model, images = affine(2), scattered(4)
    labels = model(images).argmax(1)
    plain, scaled = (ddn(Shifted(model, scale=s), images, labels, steps=30) for s in (1.0, scale))
    torch.testing.assert_close(scaled, plain, rtol=0, atol=1e-9)


def test_a_gradient_of_zero_moves_nothing():
    images = pictures(3)
    assert torch.equal(ddn(Constant(), images, torch.zeros(3, dtype=torch.int64), steps=5), images)
