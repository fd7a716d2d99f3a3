"""Image quilting: against loops, against all paths, against scipy's distances."""

import copy
import math
from functools import partial

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from scipy.stats import chi2

from advcourse import data, models
from advcourse.attacks import pgd
from advcourse.defenses import Quilting, sample_patches
from advcourse.defenses._patches import _unsure, cut_out, grid_starts, nearest_patches
from advcourse.defenses._quilting import cheapest_path
from advcourse.wrappers import bpda, eot
from tests.defenses import quilts
from tests.support.refusals import refused
from tests.support.scenes import scene, seeded
from tests.support.toys import pictures
from tests.support.traces import unchanged, undrawn

BLENDS = ("cut", "mean")
every_blend = pytest.mark.parametrize("blend", BLENDS)
SIZES = [(32, 32), (33, 33), (17, 31), (5, 5), (6, 13)]


def database(count=60, channels=2, size=4, dtype=torch.float64):
    return torch.rand(count, channels, size, size, generator=seeded(7), dtype=torch.float64).to(dtype)


def own_patches(images, size, overlap):
    """Every patch of the images' grids."""
    corners = quilts.corners(*images.shape[2:], size, overlap)
    return torch.cat([images[:, :, y : y + size, x : x + size] for y, x in corners])


def choices(images, patches, overlap, k, seed):
    """The patch of each image and corner that a generator of that seed decides for, found by loops."""
    size = patches.shape[-1]
    corners = quilts.corners(*images.shape[2:], size, overlap)
    drawn = torch.randint(k, (len(images), len(corners)), generator=seeded(seed))
    return [
        [
            patches[np.argsort(quilts.distances(image, patches, *corner))[drawn[i, j]]]
            for j, corner in enumerate(corners)
        ]
        for i, image in enumerate(images)
    ]


# -- against loops


@every_blend
@pytest.mark.parametrize("size, overlap", [(4, 2), (4, 0), (4, 1), (4, 3), (3, 1), (1, 0)])
@pytest.mark.parametrize("height, width", [(10, 12), (7, 9), (4, 4), (4, 11), (13, 5)])
def test_it_is_what_loops_make(blend, size, overlap, height, width):
    images, patches = pictures(3, 2, height, width), database(40, size=size)
    quilted = Quilting(patches, k=4, overlap=overlap, blend=blend)(images, seeded(3))
    chosen = choices(images.numpy(), patches.numpy(), overlap, 4, 3)
    expected = np.stack([quilts.sewn(each, height, width, overlap, blend) for each in chosen])
    torch.testing.assert_close(quilted, torch.from_numpy(expected), rtol=0, atol=1e-12)


def test_overlaps_wider_than_half_a_patch():
    images, patches = pictures(2, 1, 16, 14), database(30, 1, 5)
    chosen = choices(images.numpy(), patches.numpy(), 4, 3, 0)
    for blend in BLENDS:
        expected = np.stack([quilts.sewn(each, 16, 14, 4, blend) for each in chosen])
        quilted = Quilting(patches, k=3, overlap=4, blend=blend)(images, seeded())
        torch.testing.assert_close(quilted, torch.from_numpy(expected), rtol=0, atol=1e-12)


@every_blend
@pytest.mark.parametrize("height, width", SIZES)
@pytest.mark.parametrize("overlap", [0, 2, 4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_its_own_patches_give_an_image_back(blend, height, width, overlap, dtype):
    """To the last row and column, and exactly: an image is not changed where nothing is replaced."""
    images = pictures(2, 3, height, width, dtype=dtype)
    patches = own_patches(images, 5, overlap)
    assert torch.equal(Quilting(patches, k=1, overlap=overlap, blend=blend)(images), images)


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


# -- the cut


@pytest.mark.parametrize("rows, width", [(5, 1), (5, 2), (5, 3), (4, 4), (6, 3), (1, 1), (2, 2)])
def test_the_cut_costs_what_the_cheapest_of_all_paths_costs(rows, width):
    size = max(rows, width)
    error = torch.rand(50, rows, size, generator=seeded(rows), dtype=torch.float64)
    path = cheapest_path(error, torch.tensor(width))
    for table, way in zip(error[:, :, :width].numpy(), path.tolist(), strict=True):
        assert tuple(way) in quilts.paths(rows, width)
        cheapest = min(quilts.price(table, each) for each in quilts.paths(rows, width))
        assert quilts.price(table, way) == pytest.approx(cheapest, abs=1e-12)


def test_no_overlap_has_no_cut_and_each_has_its_own_width():
    error = torch.rand(30, 3, 5, 5, generator=seeded(), dtype=torch.float64)
    path = cheapest_path(error, torch.tensor([0, 2, 4]))
    assert (path[:, 0] == -1).all() and path[:, 1].max() == 1 and path[:, 2].max() == 3 and path[:, 1:].min() == 0
    for position, width in ((1, 2), (2, 4)):
        assert torch.equal(path[:, position], cheapest_path(error[:, position], torch.tensor(width)))


def test_the_cut_goes_where_the_patches_agree():
    """A new patch that differs from the old one everywhere but along one stair."""
    stair = (2, 1, 1, 0, 1)
    error = torch.ones(1, 5, 5, dtype=torch.float64)
    for row, column in enumerate(stair):
        error[0, row, column] = 0
    assert tuple(cheapest_path(error, torch.tensor(3))[0].tolist()) == stair


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


def test_many_patches_that_are_the_same():
    patches = torch.cat([torch.ones(500, 12), torch.rand(100, 12, generator=seeded())])
    assert_nearest(torch.cat([torch.ones(2, 12), torch.full((2, 12), 0.9)]), patches, 10)
    found = nearest_patches(torch.ones(1, 12), patches, 10)
    assert (found < 500).all()


# -- the draw


def test_each_of_the_k_nearest_is_as_likely():
    """Chi-square over 4000 draws of k = 5, below the 99.99 % point."""
    patches = torch.linspace(0, 1, 20, dtype=torch.float64)[:, None, None, None].expand(-1, 1, 3, 3)
    images = torch.full((4000, 1, 3, 3), 0.31, dtype=torch.float64)
    drawn = (Quilting(patches, k=5, overlap=0)(images, seeded())[:, 0, 0, 0] * 19).round().long()
    counts = torch.bincount(drawn, minlength=20)
    assert counts.nonzero().flatten().tolist() == [4, 5, 6, 7, 8]
    statistic = ((counts[4:9] - 800) ** 2 / 800).sum().item()
    assert statistic < chi2.ppf(0.9999, 4)


def test_positions_and_images_draw_by_themselves():
    patches = torch.linspace(0, 1, 8, dtype=torch.float64)[:, None, None, None].expand(-1, 1, 2, 2)
    images = torch.full((2000, 1, 2, 4), 0.5, dtype=torch.float64)
    quilted = Quilting(patches, k=2, overlap=0)(images, seeded())[:, 0, 0]
    pairs = torch.stack([quilted[:, 0] > 0.5, quilted[:, 2] > 0.5, quilted[:, 0].roll(1) > 0.5], 1).long()
    for other in (1, 2):
        counts = torch.bincount(2 * pairs[:, 0] + pairs[:, other], minlength=4)
        assert ((counts - 500) ** 2 / 500).sum() < chi2.ppf(0.9999, 3)


@every_blend
def test_a_batch_is_its_images_one_after_the_other(blend):
    images, quilting = pictures(5), Quilting(database(), k=6, overlap=1, blend=blend)
    generator = seeded()
    alone = torch.cat([quilting(images[[i]], generator) for i in range(5)])
    assert torch.equal(quilting(images, seeded()), alone)
    order = torch.tensor([3, 1, 4])
    certain = Quilting(database(), k=1, blend=blend)
    assert torch.equal(certain(images)[order], certain(images[order]))


@every_blend
def test_the_generator_decides_and_the_global_state_stays(blend):
    images, quilting = pictures(4), Quilting(database(), blend=blend).eval()
    with undrawn():
        one, other = quilting(images, seeded(1)), quilting(images, seeded(2))
    assert torch.equal(quilting(images, seeded(1)), one) and not torch.equal(one, other)
    torch.manual_seed(0)
    first, second = quilting(images), quilting(images)
    torch.manual_seed(0)
    assert torch.equal(quilting(images), first) and not torch.equal(first, second)


def test_every_image_has_its_own_draw():
    quilted = Quilting(database())(pictures(1).repeat(8, 1, 1, 1), seeded())
    assert len(quilted.flatten(1).unique(dim=0)) == 8


# -- a module in front of a network


@every_blend
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kept", [torch.float32, torch.float64])
def test_precision_and_place_are_the_images(blend, dtype, kept):
    images, quilting = pictures(dtype=dtype), Quilting(database(dtype=kept), blend=blend)
    before = images.clone()
    with unchanged(quilting, images):
        quilted = quilting(images, seeded())
    assert quilted.dtype == dtype and quilted.shape == images.shape and torch.equal(images, before)
    assert quilted.is_contiguous() and quilted.min() >= 0 and quilted.max() <= 1
    assert quilted.data_ptr() != images.data_ptr()


def test_half_precision_is_right_or_refused():
    images, quilting = pictures(dtype=torch.float32), Quilting(database(dtype=torch.float32))
    with refused("images has dtype torch.float16, expected torch.float32"):
        quilting(images.half())
    with refused("patches has dtype torch.bfloat16, expected torch.float32"):
        Quilting(database().bfloat16())
    expected = quilting(images, seeded())
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(quilting(images, seeded()), expected)


def test_strided_images_are_quilted_alike():
    images, quilting = pictures(3, 2, 9, 7), Quilting(database())
    expected = quilting(images, seeded())
    assert torch.equal(quilting(images.to(memory_format=torch.channels_last), seeded()), expected)
    assert torch.equal(quilting(images.flip(3).contiguous().flip(3), seeded()), expected)


def test_a_pixel_that_rounding_left_outside_counts_as_on_the_edge():
    images = pictures() * (1 + 1.4e-6) - 7e-7
    quilted = Quilting(database() * (1 + 5e-7))(images, seeded())
    assert quilted.min() >= 0 and quilted.max() <= 1


def test_the_database_is_kept_but_not_given_away():
    patches = database()
    quilting = Quilting(patches, k=1)
    before = quilting(pictures())
    patches.zero_()
    assert torch.equal(quilting(pictures()), before)
    assert quilting.state_dict() == {} and [name for name, _ in quilting.named_buffers()] == ["patches"]
    assert quilting.double().patches.dtype == torch.float64
    assert torch.equal(copy.deepcopy(quilting)(pictures()), before)


def test_no_gradient_passes_and_attacks_say_so():
    model, images, labels = scene()
    quilting = Quilting(database())
    assert not quilting(images.clone().requires_grad_()).requires_grad
    with refused("model returned logits without a graph to the images, expected"):
        pgd(torch.nn.Sequential(quilting, model), images, labels, eps=0.1, steps=1)


def test_patches_elsewhere_are_refused():
    with refused("patches is on meta and images on cpu, expected one device"):
        Quilting(database()).to("meta")(pictures())


@pytest.mark.gpu
@every_blend
def test_on_a_gpu_it_is_the_same(blend):
    device = "cuda" if torch.cuda.is_available() else "mps"
    images, patches = pictures(3, 3, 13, 11, dtype=torch.float32), database(500, 3, dtype=torch.float32)
    quilting = Quilting(patches, k=1, overlap=1, blend=blend)
    quilted = copy.deepcopy(quilting).to(device)(images.to(device))
    assert quilted.device.type == device
    torch.testing.assert_close(quilted.cpu(), quilting(images), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"patches": database(3)}, "k is 10, expected at most 3: as many patches as there are"),
        ({"patches": database().flatten(1)}, r"patches has shape \(60, 32\), expected"),
        ({"patches": database()[:, :, :3]}, "patches is 3x4 pixels, expected square ones"),
        ({"patches": 2 * database()}, r"patches ranges over .* expected \[0, 1\]"),
        ({"patches": database() * math.nan}, "patches holds NaN, expected"),
        ({"patches": database().mul(255).byte()}, "patches has dtype torch.uint8, expected"),
        ({"patches": [1]}, "patches is a list, expected"),
        ({"k": 0}, "k is 0, expected at least 1"),
        ({"k": 2.5}, "k is 2.5, expected a whole number"),
        ({"overlap": -1}, "overlap is -1, expected at least 0"),
        ({"overlap": 4}, "overlap is 4, expected at most 3: less than a patch of 4 pixels"),
        ({"overlap": 1.0}, "overlap is 1.0, expected a whole number"),
        ({"blend": "min"}, "blend is 'min', expected one of cut, mean"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with refused(message):
        Quilting(**{"patches": database(), **settings})


@pytest.mark.parametrize(
    "images, message",
    [
        (pictures(channels=3), "images has 3 channels, expected 2, as the patches"),
        (pictures(height=3), "images is 3x6 pixels, expected at least 4x4, the size of a patch"),
        (pictures(width=3), "images is 8x3 pixels, expected at least 4x4"),
        (2 * pictures(), r"images ranges over .* expected \[0, 1\]"),
        (pictures() * math.nan, "images holds NaN"),
        (pictures()[0], "images has shape"),
    ],
)
def test_bad_images_are_refused(images, message):
    with refused(message):
        Quilting(database())(images)


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


# -- broken


@pytest.mark.data
def test_the_expectation_over_a_straight_through_gradient_breaks_it(cifar):
    """On fresh draws, more than once: an attack on the network alone and random signs, mostly undone,
    beside the attack that knows it, in the same ball.
    """
    network = models.load("cifar10/resnet20").eval()
    images, labels = data.load("cifar10", "test", n=16)[:2]
    quilting = Quilting(sample_patches(cifar, 2000, 3, generator=seeded()), k=3, overlap=1)
    eps = 16 / 255
    attack = partial(pgd, images=images, labels=labels, eps=eps, steps=14, step_size=eps / 6)
    naive = attack(network)
    knowing = attack(eot(network, bpda(quilting), 2, generator=seeded(1)), loss="nll")
    signs = torch.randint(2, images.shape, generator=seeded(2)) * 2 - 1

    def right(attacked):
        with torch.no_grad():
            draws = [network(quilting(attacked, seeded(seed))).argmax(1) == labels for seed in range(10, 14)]
        return torch.stack(draws).float().mean().item()

    clean, noisy, unaware, aware = map(right, (images, (images + eps * signs).clamp(0, 1), naive, knowing))
    assert (knowing - images).abs().max() <= eps + 1e-6
    assert clean > 0.5 and min(noisy, unaware) > aware + 0.15 and aware < 0.4, (clean, noisy, unaware, aware)
