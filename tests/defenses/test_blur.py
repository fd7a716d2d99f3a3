"""Blur against scipy's Gaussian filter."""

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate1d, gaussian_filter

from advcourse.defenses import Blur
from tests.support.refusals import refused
from tests.support.toys import pictures


@pytest.mark.parametrize("sigma", [0.3, 1.0, 2.4])
def test_it_is_scipys_filter_with_the_border_repeated(sigma):
    images = pictures(2, 3, 9, 14)
    expected = gaussian_filter(images.numpy(), (0, 0, sigma, sigma), mode="nearest")
    torch.testing.assert_close(Blur(sigma)(images), torch.from_numpy(expected), rtol=0, atol=1e-12)


def test_a_kernel_size_cuts_the_gaussian_and_its_sum_stays_one():
    images = pictures(2, 1, 9, 14)
    weights = np.exp(-0.5 * (np.arange(-2, 3) / 1.7) ** 2)
    expected = images.numpy()
    for axis in (2, 3):
        expected = correlate1d(expected, weights / weights.sum(), axis, mode="nearest")
    torch.testing.assert_close(Blur(1.7, kernel_size=5)(images), torch.from_numpy(expected), rtol=0, atol=1e-12)
    assert torch.equal(Blur(1.7, kernel_size=1)(images), images)


def test_a_kernel_wider_than_the_image_is_fine():
    flat = torch.full((1, 1, 3, 2), 0.3, dtype=torch.float64)
    torch.testing.assert_close(Blur(5.0)(flat), flat, rtol=0, atol=1e-12)


def test_a_kernel_has_a_middle():
    with refused("kernel_size is 4, expected an odd number"):
        Blur(1.0, kernel_size=4)
