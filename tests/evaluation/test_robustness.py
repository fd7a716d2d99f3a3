"""The average robustness against its closed form on affine models."""

from functools import partial

import pytest
import torch

from advcourse.attacks import deepfool
from advcourse.core.balls import norms
from advcourse.evaluation import rho_adv
from tests.support.affine import affine, exact_distance, scattered
from tests.support.toys import Affine, Constant, pictures


def test_it_is_the_mean_of_the_relative_distances():
    model, images = affine(4), scattered(7)
    exact = exact_distance(model, images, model(images).argmax(1))
    expected = (1.02 * exact / norms(images, "l2")).mean().item()
    assert rho_adv(model, deepfool, images) == pytest.approx(expected)
    assert rho_adv(model, deepfool, images, batch_size=2) == pytest.approx(expected)
    of_sums = (1.02 * exact.sum() / norms(images, "l2").sum()).item()  # a ratio of means is another number
    assert abs(of_sums - expected) > 1e-3 * expected


def test_images_that_the_attack_fails_on_and_black_ones_are_left_out():
    model, images = affine(4), scattered(7)

    def every_other(model, images, labels):
        result = deepfool(model, images, labels)
        result[::2] = images[::2]
        return result

    odd = rho_adv(model, deepfool, images[1::2])
    assert rho_adv(model, every_other, images) == pytest.approx(odd)
    biased = Affine(model.weight, torch.tensor([0.0, -0.05, 0.05, 0.0], dtype=torch.float64))
    black = torch.zeros(2, 1, 3, 4, dtype=torch.float64)
    whole = rho_adv(biased, deepfool, images)
    assert rho_adv(biased, deepfool, torch.cat([images, black])) == pytest.approx(whole)


def test_it_is_nan_where_no_prediction_changes_and_bad_images_are_refused():
    value = rho_adv(Constant(), deepfool, pictures(3))
    assert value != value
    with pytest.raises(ValueError, match="images ranges over"):
        rho_adv(affine(2), deepfool, scattered() + 1)
    with pytest.raises(ValueError, match="model is a str, expected a callable"):
        rho_adv("resnet", deepfool, scattered())


def test_labels_are_the_predictions_and_the_mode_is_restored():
    model, images = affine(3).train(), scattered(4)
    given = []

    def attack(model, images, labels):
        given.append((labels, model.training))
        return deepfool(model, images, labels)

    rho_adv(model, attack, images)
    assert torch.equal(given[0][0], model(images).argmax(1)) and given[0][1] is False and model.training
    partly = rho_adv(model, partial(deepfool, steps=1), images)
    assert partly == pytest.approx(rho_adv(model, deepfool, images))  # affine: one step is enough
