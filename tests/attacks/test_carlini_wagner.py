"""Carlini & Wagner's attack against exact distances, recorded iterates, counted passes, and others' mistakes."""

import sys
from functools import partial

import pytest
import torch

from advcourse.attacks import carlini_wagner
from advcourse.core.balls import norms
from advcourse.core.iterates import Closest
from advcourse.core.losses import margin
from advcourse.core.running import count_passes
from tests.support.affine import affine, exact_distance, scattered
from tests.support.recorders import Recorder
from tests.support.scenes import scene
from tests.support.toys import Affine, Shifted, pictures, smooth_cnn

module = sys.modules["advcourse.attacks._carlini_wagner"]
QUICK = {"steps": 60, "search_steps": 5, "learning_rate": 0.1, "initial_const": 0.1}
attack = partial(carlini_wagner, **QUICK)


@pytest.mark.parametrize(("classes", "spread"), [(2, 0.2), (5, 0.2), (2, 1.8)])
def test_the_exact_distance_of_an_affine_model(classes, spread):
    """At spread 1.8 most pixels are at the ends of the box."""
    model, images = affine(classes), scattered(6, spread)
    labels = model(images).argmax(1)
    result = carlini_wagner(model, images, labels, steps=150, search_steps=9, learning_rate=0.03, initial_const=0.01)
    ratio = norms(result - images, "l2") / exact_distance(model, images, labels)
    assert (model(result).argmax(1) != labels).all()
    assert ratio.min() >= 1 - 1e-9 and ratio.max() <= 1.05


def test_the_target_is_reached_at_the_exact_distance_of_two_classes():
    model, images = affine(4), scattered(6)
    labels, targets = model(images).argsort(1, descending=True)[:, [0, 2]].T
    rows = torch.stack([labels, targets], 1)
    result = carlini_wagner(model, images, labels, targets=targets, steps=150, learning_rate=0.03, initial_const=0.01)
    assert torch.equal(model(result).argmax(1), targets)
    nearest = torch.cat(
        [
            exact_distance(Affine(model.weight[row].clone()), images[[i]], torch.tensor([0]))
            for i, row in enumerate(rows)
        ]
    )
    assert (norms(result - images, "l2") >= nearest * (1 - 1e-9)).all()


# -- the mistakes others ship


def test_failure_gives_the_image_back_and_not_a_black_one():
    model, images = smooth_cnn(), pictures(4)
    result = attack(model, images, model(images).argmax(1), confidence=1e6)
    assert torch.equal(result, images)


def test_the_best_other_logit_may_be_negative():
    """A hinge on the largest of one_hot * z takes 0 for the best other logit, once all logits are negative."""
    model, images, labels = scene()
    below = Shifted(model, shift=-20.0)
    assert below(images).max() < 0
    result = attack(below, images, labels)
    assert (model(result).argmax(1) != labels).all()
    torch.testing.assert_close(result, attack(model, images, labels), rtol=0, atol=1e-9)


def test_pixels_at_zero_and_one_move():
    """tanh w = 2x - 1 has no finite w there."""
    model, images = affine(2), scattered(12, 1.0).round()
    labels = model(images).argmax(1)
    result = attack(model, images, labels)
    assert (model(result).argmax(1) != labels).all()
    ratio = norms(result - images, "l2") / exact_distance(model, images, labels)
    assert ratio.max() <= 1.1


@pytest.mark.parametrize("targeted", [False, True])
def test_success_is_judged_with_the_confidence(targeted):
    model, images = smooth_cnn(), pictures(6)
    labels, targets = model(images).argsort(1, descending=True)[:, :2].T
    goal = {"targets": targets} if targeted else {}
    near = attack(model, images, labels, **goal)
    result = attack(model, images, labels, confidence=1.5, **goal)
    margins = -margin(model(result), targets) if targeted else margin(model(result), labels)
    moved = (result != images).flatten(1).any(1)
    assert moved.sum() >= 4 and margins[moved].min() >= 1.5 and margins[moved].max() < 2.5
    assert (norms(result - images, "l2") > norms(near - images, "l2"))[moved].all()


@pytest.mark.parametrize("confidence", [0.0, 1.0])
def test_the_closest_of_all_iterates_is_returned_and_the_last_is_one_of_them(confidence):
    found = []
    for steps in range(12, 30):
        model, images = Recorder(smooth_cnn()), pictures(1)
        labels = model.model(images).argmax(1)
        result = carlini_wagner(
            model,
            images,
            labels,
            steps=steps,
            search_steps=1,
            learning_rate=0.02,
            initial_const=3.0,
            confidence=confidence,
        )
        seen = torch.cat(model.seen[1:])
        fooled = margin(model.model(seen), labels.expand(len(seen))) >= max(confidence, 1e-300)
        distance = norms(seen - images, "l2").where(fooled, torch.inf)
        expected = seen[distance.argmin()] if fooled.any() else images[0]
        torch.testing.assert_close(result[0], expected, rtol=0, atol=1e-12)
        found.append(None if not fooled.any() else distance.argmin().item() - len(seen) + 1)
    assert None in found or 0 in found  # where it is the last, a run that does not test it shows


def test_the_search_goes_on_from_what_failed_and_what_succeeded(monkeypatch):
    """1, 10, 100 until one succeeds, then halves between the largest failure and the smallest success, per image."""
    tried = []

    def outcome(model, search, *rest, leave):
        tried.append(search.c.tolist())
        return search.c >= torch.tensor([25.0, 0.1, 1e9], dtype=search.c.dtype)

    monkeypatch.setattr(module, "minimise", outcome)
    model, images = smooth_cnn(), pictures(3)
    carlini_wagner(model, images, model(images).argmax(1), search_steps=6, initial_const=1.0)
    assert [c[0] for c in tried] == [1, 10, 100, 55, 32.5, 21.25]
    assert [c[1] for c in tried] == [1, 0.5, 0.25, 0.125, 0.0625, 0.09375]
    assert [c[2] for c in tried] == [1, 10, 100, 1000, 1e4, 1e5]


def test_adam_goes_on_from_one_constant_to_the_next(monkeypatch):
    """Going back to the image with each would spend most of few steps on the way."""
    monkeypatch.setattr(module, "IMPROVED", torch.inf)
    model, images = Recorder(affine(2)), scattered(1)
    labels = model.model(images).argmax(1)
    carlini_wagner(model, images, labels, steps=10, search_steps=3, learning_rate=0.001, confidence=1e6)
    away = [norms(x - images, "l2").item() for x in model.seen[1:]]
    assert len(away) == 30 and away[0] < 1e-12
    assert abs(away[10] - away[9]) < 0.3 * away[9] and abs(away[20] - away[19]) < 0.3 * away[19]


def test_a_constant_too_small_to_hold_what_it_inherits_has_failed():
    """Adam starts where the last constant succeeded: counting that for the next would halve it for ever."""
    model, images = affine(2), scattered(4)
    labels, rows = model(images).argmax(1), torch.arange(4)
    beyond = images + 1.2 * (attack(model, images, labels) - images)
    for c, expected in ((1e-6, False), (10.0, True)):
        search = module.Search.start(images, labels, rows, c)
        search.w = (module.INSIDE * (2 * beyond - 1)).atanh()
        found = module.minimise(model, search, Closest(images), 0.0, 200, 0.02, leave=True)
        assert found.tolist() == [expected] * 4


def test_a_constant_that_grows_without_success_stays_finite():
    model, images, labels = scene(2)
    result = carlini_wagner(model, images, labels, steps=2, search_steps=14, initial_const=1e4, confidence=1e6)
    assert torch.equal(result, images)


# -- cost


def test_without_abort_it_costs_every_step_of_every_search(monkeypatch):
    monkeypatch.setattr(module, "IMPROVED", torch.inf)
    model, images = smooth_cnn(), pictures(3)
    with count_passes(model) as passes:
        labels = model(images).argmax(1)
        carlini_wagner(model, images, labels, steps=20, search_steps=3, confidence=1e6)
    assert passes.forwards == 3 + 3 * (1 + 3 * 20)
    assert passes.backwards == 3 * 3 * 19


@pytest.mark.slow
def test_the_abort_is_each_images_own_and_costs_no_success():
    model, images = smooth_cnn(), pictures(8)
    labels, alone = model(images).argmax(1), []
    for i in range(8):
        with count_passes(model) as passes:
            attack(model, images[[i]], labels[[i]])
        alone.append(passes.forwards)
    with count_passes(model) as passes:
        result = attack(model, images, labels)
    assert len(set(alone)) > 1 and passes.forwards == sum(alone) < 8 * (1 + 5 * 60)
    assert (model(result).argmax(1) != labels).all()


def test_the_misclassified_cost_one_forward_pass():
    model, images = smooth_cnn(), pictures(3)
    wrong = (model(images).argmax(1) + 1) % 4
    with count_passes(model) as passes:
        assert torch.equal(attack(model, images, wrong), images)
    assert (passes.forwards, passes.backwards) == (3, 0)


def test_a_model_of_one_logit_is_refused():
    model, images = smooth_cnn(), pictures(2)
    with pytest.raises(ValueError, match=r"model returned \(2, 1\), expected logits .* at least 2 classes"):
        carlini_wagner(lambda x: model(x)[:, :1], images, torch.tensor([0, 0]))
