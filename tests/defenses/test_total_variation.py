"""Total-variation minimisation against Newton-like steps by dense algebra, and scikit-image."""

import numpy as np
import pytest
import torch
from skimage.restoration import denoise_tv_chambolle

from advcourse.defenses import TotalVariation, smoothed
from advcourse.defenses._total_variation import adjoint, rises
from tests.support.scenes import normal, seeded
from tests.support.toys import pictures


def dense_rises(height, width):
    """Both differences as matrices, of zeros at the last row and column."""
    down, right = np.zeros((2, height * width, height * width))
    for i in range(height):
        for j in range(width):
            here = i * width + j
            for matrix, there in ((down, here + width if i + 1 < height else None), (right, here + 1)):
                if there is not None and (matrix is down or j + 1 < width):
                    matrix[here, here], matrix[here, there] = -1, 1
    return down, right


def objective(z, x, mask, weight):
    """Of one channel, flat, in numpy."""
    down, right = dense_rises(*mask.shape)
    slopes = np.hypot(down @ z.ravel(), right @ z.ravel())
    return (mask * (z - x) ** 2).sum() + weight * slopes.sum()


def reweighted(x, mask, weight, rounds=400):
    """Iteratively reweighted least squares with a smoothing that goes to nothing, one dense system a round."""
    down, right = dense_rises(*mask.shape)
    z = np.full(x.size, x[mask > 0].mean())
    for k in range(rounds):
        smoothing = max(1e-1 * 0.93**k, 1e-9)
        sizes = np.sqrt((down @ z) ** 2 + (right @ z) ** 2 + smoothing**2)
        system = 2 * np.diag(mask.ravel()) + weight * (
            down.T @ (down / sizes[:, None]) + right.T @ (right / sizes[:, None])
        )
        z = np.linalg.solve(system, 2 * (mask * x).ravel())
    return z.reshape(x.shape)


def smooth_pictures(n=3, height=11, width=9):
    """Steps and a ramp under noise."""
    y, x = torch.meshgrid(torch.arange(height).double(), torch.arange(width).double(), indexing="ij")
    clean = 0.3 + 0.3 * (x > width / 2) + 0.02 * y
    return (clean + 0.08 * normal(n, 1, height, width)).clamp(0, 1)


@pytest.mark.parametrize("drop", [0.0, 0.5])
@pytest.mark.parametrize("weight", [0.03, 0.2])
def test_the_objective_is_that_of_a_dense_solver(drop, weight):
    """The gap falls below a thousandth; the solver's default is 200 steps."""
    images = smooth_pictures()
    mask = (torch.rand(images.shape, generator=seeded(3), dtype=torch.float64) >= drop).double()
    z = smoothed(images, mask, weight, steps=200 if weight < 0.1 else 500)
    for found, image, kept in zip(z[:, 0].numpy(), images[:, 0].numpy(), mask[:, 0].numpy(), strict=True):
        best = objective(reweighted(image, kept, weight), image, kept, weight)
        assert best * (1 - 1e-4) <= objective(found, image, kept, weight) <= best * (1 + 1e-3)


def test_without_dropped_pixels_it_is_scikit_images_problem():
    """Which halves the data term's weight: its weight is half of λ."""
    images = smooth_pictures()
    z = TotalVariation(drop=0, weight=0.2, steps=2000)(images)
    for found, image in zip(z[:, 0].numpy(), images[:, 0].numpy(), strict=True):
        peer = denoise_tv_chambolle(image, weight=0.1, eps=1e-12, max_num_iter=20000)
        assert np.abs(found - peer).max() < 2e-3
        mask = np.ones_like(image)
        assert objective(found, image, mask, 0.2) <= objective(peer, image, mask, 0.2) * (1 + 1e-5)


def test_the_adjoint_is_the_adjoint():
    z, slope = normal(2, 3, 5, 7), normal(2, 2, 3, 5, 7, seed=1)
    torch.testing.assert_close((rises(z) * slope).sum(), (z * adjoint(slope)).sum(), rtol=0, atol=1e-12)


def test_a_dropped_pixel_has_no_say_and_the_seed_drops_the_same_ones():
    images = pictures(1, 1, 10, 10)
    defense, dropped = TotalVariation(drop=0.5, steps=30), 0
    before = defense(images, seeded(4))
    for pixel in range(100):
        changed = images.clone()
        changed.view(-1)[pixel] = 1 - changed.view(-1)[pixel]
        dropped += torch.equal(defense(changed, seeded(4)), before)
    assert 35 <= dropped <= 65


def test_a_pixel_is_dropped_in_all_channels():
    images = pictures(1, 1, 8, 8).expand(1, 3, 8, 8)
    result = TotalVariation(drop=0.5, steps=30)(images, seeded())
    assert torch.equal(result[:, 0], result[:, 1]) and torch.equal(result[:, 0], result[:, 2])


def test_where_no_pixel_is_left_the_image_is_grey():
    images = pictures(2, 1, 4, 4)
    torch.testing.assert_close(smoothed(images, torch.zeros_like(images), 0.1, 50), torch.full_like(images, 0.5))


def test_what_was_dropped_is_not_looked_at():
    images = pictures(2, 3, 9, 11)
    mask = (torch.rand(2, 1, 9, 11, generator=seeded(2), dtype=torch.float64) > 0.5).double()
    assert torch.equal(smoothed(torch.where(mask > 0, images, 0.9), mask), smoothed(images, mask))
