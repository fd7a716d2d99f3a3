"""SuperDeepFool against exact distances, DeepFool, and its projection written out."""

import pytest
import torch

from advcourse.attacks import deepfool, super_deepfool
from advcourse.core.balls import norms
from advcourse.core.running import count_passes
from tests.support.affine import affine, exact_distance, scattered
from tests.support.recorders import Recorder
from tests.support.scenes import gradient, scene
from tests.support.toys import Constant, pictures


@pytest.mark.parametrize(("classes", "spread"), [(2, 0.2), (5, 0.2), (2, 1.8)])
def test_the_exact_distance_of_an_affine_model(classes, spread):
    """At spread 1.8 most pixels are at the ends of the box."""
    model, images = affine(classes), scattered(6, spread)
    labels = model(images).argmax(1)
    result = super_deepfool(model, images, labels)
    ratio = norms(result - images, "l2") / exact_distance(model, images, labels)
    assert (model(result).argmax(1) != labels).all()
    assert ratio.min() >= 1 - 1e-9 and ratio.max() <= 1.001


def test_the_projection_written_out():
    """Always from the image itself, also in the second step and later."""
    network, images, labels = scene(12)
    rounds = []
    for image, label in zip(images.split(1), labels.split(1), strict=True):
        model = Recorder(network)
        super_deepfool(model, image, label, steps=4, overshoot=0.0, search_steps=0)
        x, count = image, 0
        for _ in range(3):
            beyond = deepfool(network, x, label, overshoot=0.0)
            k = network(beyond).argmax(1)[0]
            w = gradient(lambda z, k=k, label=label: network(z)[:, k] - network(z)[:, label[0]], beyond)
            x = (image + ((beyond - image) * w).sum() / (w * w).sum() * w).clamp(0, 1)
            places = [at for at, seen in enumerate(model.seen) if torch.allclose(seen, x, rtol=0, atol=1e-9)]
            assert places and torch.allclose(model.seen[places[0] - 1], beyond, rtol=0, atol=1e-9)
            count += 1
            if network(x).argmax(1) != label:
                break
        rounds.append(count)
    assert max(rounds) > 1


def test_it_is_closer_than_deepfool_with_the_overshoot_taken_back():
    model, images, labels = scene(30)
    unturned, turned = (super_deepfool(model, images, labels, steps=steps, search_steps=25) for steps in (1, 10))
    plain = deepfool(model, images, labels)
    lengths = [norms(x - images, "l2") for x in (plain, unturned, turned)]
    assert (model(turned).argmax(1) != labels).all()
    assert (lengths[1] < lengths[0]).all() and (lengths[2] < lengths[1]).sum() >= 27


def test_the_search_ends_at_the_boundary():
    model, images, labels = scene(8)
    result = super_deepfool(model, images, labels, search_steps=20)
    inside = images + (1 - 1e-5) * (result - images)
    assert (model(result).argmax(1) != labels).all() and (model(inside).argmax(1) == labels).all()


def test_cost_of_an_affine_model():
    """DeepFool crosses in one step: two forwards and, of two classes, one backward. Then a pass each way, and the
    projection, which keeps the overshoot and fools: DeepFool looks once, and the pass each way is forward alone."""
    model, images = affine(2), scattered(4)
    labels = model(images).argmax(1)
    with count_passes(model) as passes:
        super_deepfool(model, images, labels, search_steps=3)
    assert (passes.forwards, passes.backwards) == (4 * (2 + 1 + 1 + 1 + 3), 4 * 2)


def test_the_misclassified_cost_two_forwards():
    model, images, labels = scene(5)
    with count_passes(model) as passes:
        result = super_deepfool(model, images, (labels + 1) % 4)
    assert (passes.forwards, passes.backwards) == (10, 0) and torch.equal(result, images)


def test_a_gradient_of_zero_moves_nothing():
    images = pictures(3)
    assert torch.equal(super_deepfool(Constant(), images, torch.zeros(3, dtype=torch.int64)), images)
