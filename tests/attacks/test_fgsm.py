"""FGSM against closed forms and counted passes."""

import pytest
import torch

from advcourse.attacks import fgsm
from advcourse.core.running import count_passes
from tests.support.affine import affine, scattered
from tests.support.scenes import loss_gradient, scene
from tests.support.toys import Shifted


def test_linf_reaches_the_worst_loss_of_two_classes():
    model, images = affine(2), scattered(4, spread=0.98)
    labels = torch.tensor([0, 1, 0, 1])
    difference = model.weight[1 - labels] - model.weight[labels]
    worst = (images.flatten(1) + 0.07 * difference.sign()).clamp(0, 1).view_as(images)
    torch.testing.assert_close(fgsm(model, images, labels, eps=0.07), worst, rtol=0, atol=1e-12)


def test_l2_takes_the_step_along_the_gradient_and_cuts_it_at_the_box():
    model, images = affine(2), scattered(4, spread=0.98)
    labels = torch.tensor([0, 1, 0, 1])
    difference = (model.weight[1 - labels] - model.weight[labels]).detach()
    direction = difference / difference.norm(dim=1, keepdim=True)
    for eps in (0.01, 2.0):
        expected = (images.flatten(1) + eps * direction).clamp(0, 1).view_as(images)
        result = fgsm(model, images, labels, eps=eps, norm="l2")
        torch.testing.assert_close(result, expected, rtol=0, atol=1e-12)
    assert (result == 0).any() or (result == 1).any()


def test_l1_fills_the_best_pixel_and_then_the_next():
    model, images = affine(2), scattered(4, spread=0.98)
    labels = torch.tensor([0, 1, 0, 1])
    slope = (model.weight[1 - labels] - model.weight[labels]).detach()
    expected = images.flatten(1).clone()
    for row in range(4):
        left = 1.7
        for column in slope[row].abs().argsort(descending=True):
            pixel, up = expected[row, column].item(), slope[row, column] > 0
            move = min(left, 1 - pixel if up else pixel)
            expected[row, column] += move if up else -move
            left -= move
    result = fgsm(model, images, labels, eps=1.7, norm="l1")
    torch.testing.assert_close(result, expected.view_as(images), rtol=0, atol=1e-12)


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_targeted_it_goes_the_other_way_in_every_norm(norm):
    """Of two classes, what leads from one leads to the other."""
    model, images, labels = affine(2), scattered(4), torch.tensor([0, 1, 1, 0])
    away = fgsm(model, images, labels, eps=0.05, norm=norm)
    towards = fgsm(model, images, labels, eps=0.05, norm=norm, targets=1 - labels)
    torch.testing.assert_close(towards, away, rtol=0, atol=1e-12)
    assert not torch.equal(away, images)


def test_targeted_it_descends_the_targets_loss():
    model, images = affine(5, 3), scattered(4)
    labels, targets = model(images).argsort(1, descending=True)[:, [0, 2]].T
    expected = images - 0.03 * loss_gradient(model, images, targets).sign()
    torch.testing.assert_close(fgsm(model, images, labels, eps=0.03, targets=targets), expected)


@pytest.mark.parametrize("scale", [1e-20, 0.1, 5.0])
def test_fgsm_does_not_depend_on_the_scale_of_two_classes(scale):
    model, images, labels = affine(2), scattered(4), torch.tensor([0, 1, 1, 0])
    assert torch.equal(fgsm(Shifted(model, scale=scale), images, labels, eps=0.1), fgsm(model, images, labels, eps=0.1))


def test_fgsm_costs_one_forward_and_one_backward():
    model, images, labels = scene(5)
    with count_passes(model) as passes:
        fgsm(model, images, labels, eps=0.1)
    assert (passes.forwards, passes.backwards) == (5, 5)
