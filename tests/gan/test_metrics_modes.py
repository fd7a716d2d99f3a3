"""Modes that are covered, on samples whose modes are known."""

import math

import pytest
import torch

from advcourse.gan.metrics import mode_coverage, ring_centres, ring_samples, stacked_coverage
from tests.support.refusals import refused
from tests.support.scenes import normal, seeded
from tests.support.toys import pictures, smooth_cnn
from tests.support.traces import unchanged, undrawn

SIGMA = 0.02


def ring(counts, sigma=SIGMA, radius=2.0):
    """So many samples of each of the eight modes."""
    modes = torch.repeat_interleave(torch.arange(8), torch.tensor(counts))
    return ring_centres(radius=radius).double()[modes] + sigma * normal(len(modes), 2)


def test_the_ring_has_equal_angles_and_one_radius():
    centres = ring_centres(8, 3.0).double()
    torch.testing.assert_close(centres.norm(dim=1), torch.full((8,), 3.0).double())
    assert centres[0].tolist() == [3, 0]
    sides = (centres - centres.roll(1, 0)).norm(dim=1)
    torch.testing.assert_close(sides, torch.full((8,), 6 * math.sin(math.pi / 8)).double())
    assert ring_centres(3).shape == (3, 2)


def test_samples_of_the_ring_cover_it_and_a_known_share_of_them_is_good():
    found = mode_coverage(ring([5000] * 8), ring_centres())
    assert (found.value, found.of, found.n_fake) == (8, 8, 40000)
    assert found.good == pytest.approx(1 - math.exp(-4.5), abs=0.002)
    assert sum(found.counts) == round(found.good * 40000) and found.kl < 1e-3


def test_modes_that_are_not_made_do_not_count():
    found = mode_coverage(ring([0, 2000, 0, 0, 0, 500, 0, 0], sigma=0.001), ring_centres())
    assert found.value == 2 and found.counts == (0, 2000, 0, 0, 0, 500, 0, 0) and found.good == 1
    expected = 0.8 * math.log(0.8 * 8) + 0.2 * math.log(0.2 * 8)
    assert found.kl == pytest.approx(expected, rel=1e-12)


def test_a_mode_needs_one_in_a_hundred_of_all_samples():
    exact = 0.001
    assert mode_coverage(ring([2475, 25, 0, 0, 0, 0, 0, 0], exact), ring_centres()).value == 2
    assert mode_coverage(ring([2476, 24, 0, 0, 0, 0, 0, 0], exact), ring_centres()).value == 1
    far = torch.cat([ring([975, 24, 0, 0, 0, 0, 0, 0], exact), torch.full((1501, 2), 9.0)])
    found = mode_coverage(far, ring_centres())  # bad samples count among all
    assert found.value == 1 and found.good == 999 / 2500
    assert mode_coverage(ring([2476, 24, 0, 0, 0, 0, 0, 0], exact), ring_centres(), share=0).value == 2


def test_good_is_within_three_sigma_and_the_edge_of_a_circle_not_of_a_square():
    centre = torch.zeros(1, 2).double()
    at = torch.tensor([[0.0599, 0.0], [0.0, -0.0599], [0.0601, 0.0], [0.05, 0.05], [0.04, -0.04]]).double()
    assert mode_coverage(at, centre).counts == (3,)
    assert mode_coverage(at, centre, within=4.0).counts == (5,)
    assert mode_coverage(at, centre, sigma=0.01).counts == (0,)


def test_a_collapse_between_the_modes_covers_none():
    found = mode_coverage(torch.zeros(100, 2), ring_centres())
    assert found.value == 0 and found.good == 0 and math.isnan(found.kl) and "0 of 8" in str(found)


def test_what_coverage_refuses():
    points, centres = ring([10] * 8), ring_centres()
    for given, words in (
        ({"sigma": 0.0}, "sigma is 0.0"),
        ({"within": -1.0}, "within is -1.0"),
        ({"share": 1.5}, "share is 1.5, expected at most 1"),
        ({"share": -0.1}, "share is -0.1"),
    ):
        with refused(words, given):
            mode_coverage(points, centres, **given)
    with refused(r"centres has shape \(8, 1\), expected \(M, 2\) as the samples"):
        mode_coverage(points, centres[:, :1])
    with refused("samples holds NaN or infinity in 80 of 80"):
        mode_coverage(points / 0, centres)
    with refused("centres is a list"):
        mode_coverage(points, centres.tolist())
    with refused("count is 0"):
        ring_centres(0)
    with refused("radius is 0"):
        ring_centres(radius=0)


# -- stacked


class Brightness(torch.nn.Module):
    """Ten classes: the tenths of an image's brightness."""

    def forward(self, x):
        assert x.shape[1] == 1
        mean = x.mean((1, 2, 3))
        return -(mean[:, None] - 0.05 - torch.arange(10, device=x.device) / 10).abs()


def stacked(triples):
    """Images whose channels are of those classes."""
    classes = torch.tensor(triples)
    return (0.05 + classes / 10)[:, :, None, None].expand(-1, -1, 4, 4).contiguous()


def test_every_triple_is_a_mode_of_its_own():
    triples = [(a, b, c) for a in range(10) for b in range(10) for c in range(10)]
    found = stacked_coverage(Brightness(), stacked(triples), extractor="toy", batch_size=100)
    assert (found.value, found.of, found.good, found.counts) == (1000, 1000, 1, (1,) * 1000)
    assert found.kl == pytest.approx(0, abs=1e-12) and found.name == "stacked-toy"


def test_triples_are_told_apart_by_their_order_and_counted():
    found = stacked_coverage(Brightness(), stacked([(1, 2, 3), (3, 2, 1), (1, 2, 3), (9, 9, 9)]), extractor="toy")
    assert {i: count for i, count in enumerate(found.counts) if count} == {123: 2, 321: 1, 999: 1}
    assert found.value == 3 and found.n_fake == 4
    assert found.kl == pytest.approx(math.log(1000) - 1.5 * math.log(2), rel=1e-12)
    assert stacked_coverage(Brightness(), stacked([(1, 2, 3)] * 3 + [(0, 0, 0)]), extractor="toy", share=0.5).value == 1


def test_stacked_coverage_leaves_no_trace_and_refuses():
    model, images = smooth_cnn(channels=1).train(), pictures(5, 3)
    with unchanged(model, images), undrawn():
        found = stacked_coverage(model, images, extractor="toy", batch_size=4)
    assert found.of == 64 and sum(found.counts) == 5
    with refused(r"images has shape \(5, 1, 8, 6\), expected \(N, 3, H, W\)"):
        stacked_coverage(model, images[:, :1], extractor="toy")
    with refused("images ranges over"):
        stacked_coverage(model, images * 2, extractor="toy")
    with refused("share is 2"):
        stacked_coverage(model, images, extractor="toy", share=2)
    with refused("batch_size is 0"):
        stacked_coverage(model, images, extractor="toy", batch_size=0)


def test_points_of_the_ring_are_normal_around_each_centre():
    points = ring_samples(40_000, 5, 3.0, sigma=0.1, generator=seeded(0)).double()
    centres = ring_centres(5, 3.0).double()
    nearest = torch.cdist(points, centres).argmin(1)
    shares = torch.bincount(nearest, minlength=5) / len(points)
    assert (shares - 0.2).abs().max() < 4 * (0.16 / len(points)) ** 0.5
    away = points - centres[nearest]
    count = away.numel()
    assert away.mean().abs() < 4 * 0.1 / count**0.5
    assert away.square().mean().item() == pytest.approx(0.01, rel=4 * (2 / count) ** 0.5)
    assert (away[:, 0] * away[:, 1]).mean().abs() < 4 * 0.01 / len(points) ** 0.5
    assert torch.equal(ring_samples(9, generator=seeded(1)), ring_samples(9, generator=seeded(1)))
    good = mode_coverage(ring_samples(2_500, generator=seeded(2)), ring_centres())
    assert good.value == 8 and good.good == pytest.approx(0.989, abs=4 * (0.011 / 2500) ** 0.5)


@pytest.mark.parametrize(("changes", "named"), [({"n": 0}, "n"), ({"sigma": 0}, "sigma"), ({"count": 0}, "count")])
def test_bad_rings_are_refused(changes, named):
    with refused(f"{named} is 0, expected"):
        ring_samples(**{"n": 5, **changes})
