"""Patches: the grid, the database, and the nearest by scipy's distances."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from scipy.stats import chi2

from advcourse import data
from advcourse.defenses import sample_patches
from advcourse.defenses._patches import _unsure, cut_out, grid_starts, nearest_patches
from tests.defenses import quilts
from tests.support.refusals import refused
from tests.support.scenes import seeded
from tests.support.toys import pictures
from tests.support.traces import undrawn

# -- the grid


@pytest.mark.parametrize("length", range(5, 40))
@pytest.mark.parametrize("overlap", range(5))
def test_the_grid_reaches_the_last_pixel(length, overlap):
    found = grid_starts(length, 5, overlap)
    assert found == quilts.starts(length, 5, overlap)
    assert found[0] == 0 and found[-1] == length - 5 and len(set(found)) == len(found)
    assert all(b - a <= 5 - overlap for a, b in zip(found, found[1:], strict=False))


def test_patches_are_cut_out_at_the_corners():
    images = pictures(2, 3, 9, 8)
    cut = cut_out(images, grid_starts(9, 4, 1), grid_starts(8, 4, 1), 4)
    for j, (y, x) in enumerate(quilts.corners(9, 8, 4, 1)):
        assert torch.equal(cut[:, j], images[:, :, y : y + 4, x : x + 4])


# -- the nearest


def exactly_nearest(queries, patches, k):
    far = cdist(queries.double().numpy(), patches.double().numpy(), "sqeuclidean")
    return far, np.sort(far, axis=1)[:, :k]


def assert_nearest(queries, patches, k):
    far, nearest = exactly_nearest(queries, patches, k)
    found = nearest_patches(queries, patches, k).numpy()
    assert found.shape == nearest.shape and all(len(set(row)) == k for row in found)
    np.testing.assert_allclose(np.take_along_axis(far, found, 1), nearest, rtol=1e-12, atol=1e-15)


@pytest.fixture(scope="module")
def cifar():
    return data.load("cifar10", "train", n=600)[0]


@pytest.mark.data
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("k", [1, 10, 50])
def test_the_nearest_are_scipys_on_cifar(cifar, dtype, k):
    """Trap: |a|² - 2ab + |b|² in float32 puts the nearest of smooth patches in another order."""
    patches = sample_patches(cifar[100:], 12_000, 5, generator=seeded()).flatten(1).to(dtype)
    queries = sample_patches(cifar[:100], 400, 5, generator=seeded(1)).flatten(1).to(dtype)
    assert_nearest(queries, patches, k)


@pytest.mark.data
def test_the_nearest_of_smooth_patches_of_attacked_images(cifar):
    patches = sample_patches(cifar[100:], 20_000, 5, generator=seeded()).flatten(1)
    smooth = patches[patches.std(1).argsort()[:300]]
    noise = torch.randint(-8, 9, smooth.shape, generator=seeded(2)) / 255
    assert_nearest((smooth + noise).clamp(0, 1), patches, 10)


@pytest.mark.parametrize("spread", [1e-2, 1e-4, 1e-6])
def test_the_nearest_among_patches_nearly_alike(spread):
    """Far from the mean of all and close together: what float32 cannot tell apart by |a|² - 2ab + |b|²."""
    near = 0.9 + spread * torch.rand(3000, 48, generator=seeded())
    patches, queries = torch.cat([near, near * 0.1]), 0.9 + spread * torch.rand(40, 48, generator=seeded(1))
    assert_nearest(queries, patches, 10)


def test_the_nearest_when_products_are_rounded_as_on_a_tensor_core(monkeypatch):
    """TF32 and bfloat16, which a user switches on for the whole process, cost time and not exactness."""
    exact = torch.mm

    def rounded(left, right, out):
        return exact(left.bfloat16().float(), right.bfloat16().float(), out=out)

    monkeypatch.setattr(torch, "mm", rounded)
    assert_nearest(torch.rand(50, 27, generator=seeded(1)), torch.rand(2000, 27, generator=seeded()), 5)
    near = 0.7 + 0.02 * torch.rand(3040, 48, generator=seeded())
    assert_nearest(near[:40], torch.cat([near[40:], 0.1 * near[40:]]), 10)


def test_rows_are_sure_when_nothing_left_out_can_be_nearer():
    """Scores without any error: still they may be off by the rounding of 75 terms, about 75 · 2⁻²³ · 3 ‖a‖² here."""
    rows = torch.full((4, 75), 0.5, dtype=torch.float64)
    squared = torch.tensor([0.01, 0.02, 0.02], dtype=torch.float64) + torch.zeros(4, 1, dtype=torch.float64)
    squared[:, 2] += torch.tensor([1e-6, 1e-4, 1e-2, 0.0], dtype=torch.float64)
    scores = squared - rows.square().sum(1, keepdim=True)
    assert _unsure(scores, squared, rows, 2).tolist() == [True, True, False, True]
    scores[3, 0] += 2e-3  # one product rounded more coarsely puts all in doubt, to eight times that
    assert _unsure(scores, squared, rows, 2).tolist() == [True, True, True, True]
    squared = torch.zeros(1, 3, dtype=torch.float64)
    assert not _unsure(squared - rows[:1].square().sum(), squared, rows[:1], 3).any()  # none is nearer than 0


@pytest.mark.data
def test_few_are_measured_against_all(cifar, monkeypatch):
    """The way that is exact whatever comes costs ten times the other."""
    rows, exact = [], torch.cdist
    monkeypatch.setattr(torch, "cdist", lambda a, b, **more: rows.append(len(a)) or exact(a, b, **more))
    patches = sample_patches(cifar[100:], 12_000, 5, generator=seeded()).flatten(1)
    nearest_patches(sample_patches(cifar[:100], 2000, 5, generator=seeded(1)).flatten(1), patches, 10)
    assert sum(rows) < 40, rows


@pytest.mark.parametrize("count", [1, 7, 127, 128, 129, 300])
def test_the_nearest_in_databases_of_every_size(count):
    patches, queries = torch.rand(count, 12, generator=seeded()), torch.rand(9, 12, generator=seeded(1))
    for k in {1, min(5, count), count}:
        assert_nearest(queries, patches, k)


def test_few_at_a_time_find_the_same(monkeypatch):
    queries = 0.9 + 1e-4 * torch.rand(30, 12, generator=seeded(1))
    patches = 0.9 + 1e-4 * torch.rand(700, 12, generator=seeded())  # all in doubt
    whole = nearest_patches(queries, patches, 5)
    monkeypatch.setattr("advcourse.defenses._patches.HELD", 3000)
    assert torch.equal(nearest_patches(queries, patches, 5), whole)
    assert_nearest(queries, patches, 5)


def test_many_patches_that_are_the_same():
    patches = torch.cat([torch.ones(500, 12), torch.rand(100, 12, generator=seeded())])
    assert_nearest(torch.cat([torch.ones(2, 12), torch.full((2, 12), 0.9)]), patches, 10)
    found = nearest_patches(torch.ones(1, 12), patches, 10)
    assert (found < 500).all()


# -- the database


def test_sampled_patches_lie_in_the_images_everywhere_alike():
    """Every pixel of the images has its own value: what a patch holds says where it was cut out."""
    images = torch.arange(3 * 6 * 5, dtype=torch.float64).view(3, 1, 6, 5) / 90
    patches = sample_patches(images, 6000, 3, generator=seeded())
    assert patches.shape == (6000, 1, 3, 3) and patches.is_contiguous()
    first = (patches[:, 0, 0, 0] * 90).round().long()
    number, top, left = first // 30, first % 30 // 5, first % 5
    for patch, n, y, x in zip(patches[:50], number, top, left, strict=False):
        assert torch.equal(patch, images[n, :, y : y + 3, x : x + 3])
    counts = torch.bincount((number * 4 + top) * 3 + left, minlength=36)
    assert len(counts) == 36 and ((counts - 6000 / 36) ** 2 / (6000 / 36)).sum() < chi2.ppf(0.9999, 35)


def test_the_generator_decides_the_database():
    images = pictures(4)
    with undrawn():
        one, other = (sample_patches(images, 20, 3, generator=seeded(seed)) for seed in (1, 2))
    assert torch.equal(sample_patches(images, 20, 3, generator=seeded(1)), one) and not torch.equal(one, other)
    assert not torch.equal(sample_patches(images, 20, 3), sample_patches(images, 20, 3))
    assert sample_patches(images.float(), 5, 3).dtype == torch.float32
    assert not sample_patches(images.clone().requires_grad_(), 5, 3).requires_grad


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"count": 0}, "count is 0, expected at least 1"),
        ({"size": 0}, "size is 0, expected at least 1"),
        ({"size": 7}, "size is 7, expected at most 6: the images are 8x6 pixels"),
        ({"images": 2 * pictures()}, "images ranges over"),
    ],
)
def test_bad_samples_are_refused(settings, message):
    with refused(message):
        sample_patches(**{"images": pictures(), "count": 4, "size": 3, **settings})
