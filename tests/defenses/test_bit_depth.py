"""Bit depth: the levels, counted and by hand."""

import pytest
import torch

from advcourse.defenses import BitDepth
from tests.support.scenes import gradient


@pytest.mark.parametrize("bits", [1, 2, 3, 8])
def test_there_are_two_to_the_bits_levels_and_each_pixel_takes_the_nearest(bits):
    ramp = torch.linspace(0, 1, 4001, dtype=torch.float64).view(1, 1, 1, -1)
    result = BitDepth(bits)(ramp)
    levels = torch.arange(2**bits, dtype=torch.float64) / (2**bits - 1)
    assert torch.equal(result.unique(), levels)
    distance = (ramp.flatten()[:, None] - levels).abs()
    torch.testing.assert_close((result - ramp).abs().flatten(), distance.min(1).values, rtol=0, atol=1e-15)


def test_eight_bits_keep_images_of_bytes_and_twice_is_once():
    stored = torch.arange(256, dtype=torch.float32).div(255).view(1, 1, 16, 16)
    assert torch.equal(BitDepth(8)(stored), stored)
    once = BitDepth(3)(stored)
    assert torch.equal(BitDepth(3)(once), once)


def test_its_gradient_is_zero():
    assert (gradient(BitDepth(3), torch.rand(2, 1, 4, 4)) == 0).all()
