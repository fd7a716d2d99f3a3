"""Quilting that can be differentiated: against loops, in the limit of the real one, as its stand-in in an attack."""

import numpy as np
import pytest
import torch

from advcourse.attacks import pgd
from advcourse.defenses import Defended, Quilting, SoftQuilting
from advcourse.wrappers import bpda
from tests.defenses import quilts
from tests.support.refusals import refused
from tests.support.scenes import seeded
from tests.support.toys import pictures


def database(count=40, channels=2, size=4):
    return torch.rand(count, channels, size, size, generator=seeded(7), dtype=torch.float64)


@pytest.mark.parametrize("overlap", [0, 1, 3])
@pytest.mark.parametrize("height, width", [(10, 12), (7, 9), (4, 4)])
def test_it_is_what_loops_make(overlap, height, width):
    images, patches, near, temperature = pictures(2, 2, height, width), database(), 6, 0.2
    found = SoftQuilting(patches, near=near, temperature=temperature, overlap=overlap)(images)
    for image, result in zip(images, found, strict=True):
        total, count = np.zeros(image.shape), np.zeros(image.shape)
        for y, x in quilts.corners(height, width, 4, overlap):
            squared = ((image[:, y : y + 4, x : x + 4] - patches) ** 2).sum((1, 2, 3)).numpy()
            close = np.argsort(squared)[:near]
            weights = np.exp(-squared[close] / (temperature * squared[close].mean()))
            mixed = np.tensordot(weights / weights.sum(), patches.numpy()[close], 1)
            total[:, y : y + 4, x : x + 4] += mixed
            count[:, y : y + 4, x : x + 4] += 1
        np.testing.assert_allclose(result.numpy(), total / count, atol=1e-12)


def test_towards_temperature_zero_it_is_quilting_by_the_nearest():
    images, patches = pictures(3, 2, 9, 14), database()
    nearest = Quilting(patches, k=1, overlap=2, blend="mean")(images)
    torch.testing.assert_close(SoftQuilting(patches, near=5, temperature=1e-6)(images), nearest, rtol=0, atol=1e-12)
    torch.testing.assert_close(SoftQuilting(patches, near=1)(images), nearest, rtol=0, atol=1e-12)


def test_its_gradient_is_that_of_finite_differences():
    images, patches = pictures(1, 2, 6, 7), database(12)
    soft = SoftQuilting(patches, near=12, temperature=0.5)
    assert torch.autograd.gradcheck(soft, images.clone().requires_grad_(), eps=1e-6, atol=1e-7)


def test_an_attack_through_it_finds_the_choice_that_the_identity_does_not_see():
    """A patch of two pixels can only become (.2, .2) or (.6, .4); the network reads the second pixel minus the first.

    The identity follows that difference, and moves the patch along (-1, 1), which is square to what would change the
    choice; the mean of the two, weighed, rises with the first pixel, and with it falls what is read.
    """
    patches = torch.tensor([[0.2, 0.2], [0.2, 0.2], [0.6, 0.4], [0.6, 0.4]], dtype=torch.float64)
    square = patches.view(-1, 1, 1, 2).expand(-1, 1, 2, 2).contiguous()
    quilting, soft = Quilting(square, k=1, overlap=0), SoftQuilting(square, near=4, temperature=1.0, overlap=0)

    class Reading(torch.nn.Module):
        def forward(self, x):
            low = (x[:, 0, :, 0] - x[:, 0, :, 1]).mean(1) * 10 - 1
            return torch.stack([-low, low], 1)

    image = torch.tensor([0.36, 0.3], dtype=torch.float64).expand(1, 1, 2, 2).contiguous()
    label, network = torch.tensor([0]), Reading()
    whole = Defended(quilting, network)
    assert whole(image).argmax(1) == 0
    by_identity = pgd(Defended(bpda(quilting), network), image, label, eps=0.08, steps=20)
    by_soft = pgd(Defended(bpda(quilting, soft), network), image, label, eps=0.08, steps=20)
    assert whole(by_identity).argmax(1) == 0 and whole(by_soft).argmax(1) == 1


def test_refusals():
    patches = database(5)
    with refused("near is 6, expected at most 5", "more than there are"):
        SoftQuilting(patches, near=6)
    for bad in (0, -1.0, float("nan")):
        with refused("temperature.*expected", f"{bad}"):
            SoftQuilting(patches, near=2, temperature=bad)
    with refused("images has 1 channels, expected 2", "other channels"):
        SoftQuilting(patches, near=2)(pictures(1, 1, 8, 8))
