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
