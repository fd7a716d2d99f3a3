"""Image quilting: against loops and against all paths."""

import copy
import math
from functools import partial

import numpy as np
import pytest
import torch
from scipy.stats import chi2

from advcourse import data, models
from advcourse.attacks import pgd
from advcourse.defenses import Quilting, sample_patches
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


# -- broken


@pytest.mark.data
def test_the_expectation_over_a_straight_through_gradient_breaks_it():
    """On fresh draws, more than once: an attack on the network alone and random signs, mostly undone,
    beside the attack that knows it, in the same ball.
    """
    network = models.load("cifar10/resnet20").eval()
    images, labels = data.load("cifar10", "test", n=16)[:2]
    quilting = Quilting(
        sample_patches(data.load("cifar10", "train", n=600)[0], 2000, 3, generator=seeded()), k=3, overlap=1
    )
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
