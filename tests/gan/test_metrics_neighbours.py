"""Neighbours, precision and recall against all distances written out."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from advcourse.gan.metrics import _neighbours, nearest_neighbours, precision_recall
from tests.support.refusals import refused
from tests.support.scenes import normal
from tests.support.traces import undrawn


def shares(real, fake, **given):
    found = precision_recall(real, fake, extractor="toy", **given)
    return found.precision, found.recall


def brute_force(real, fake, k):
    """Equations 1 and 2: the radius of each ball, and who is inside at least one."""

    def within(rows, others):
        radius = np.sort(cdist(others, others), axis=1)[:, k]
        return (cdist(rows, others) <= radius).any(1).mean()

    return within(fake, real), within(real, fake)


@pytest.fixture(params=[2**24, 7], ids=["at once", "row by row"])
def at_a_time(request, monkeypatch):
    monkeypatch.setattr(_neighbours, "_AT_A_TIME", request.param)


# -- neighbours


def test_a_row_of_the_bank_is_its_own_neighbour_at_distance_zero(at_a_time):
    bank = 1e3 + normal(60, 20)
    found = nearest_neighbours(bank, bank)
    assert found.indices.tolist() == [[i] for i in range(60)] and found.distances.eq(0).all()
    copies = nearest_neighbours(bank[[5, 3]].float(), bank.float(), k=2)
    assert copies.indices[:, 0].tolist() == [5, 3] and copies.distances[:, 0].eq(0).all()
    assert (copies.distances[:, 1] > 1).all() and copies.distances.dtype == torch.float32


@pytest.mark.parametrize("k", [1, 4, 40])
def test_neighbours_are_those_of_all_distances(k, at_a_time):
    queries, bank = normal(13, 5), normal(40, 5, seed=1)
    distances = cdist(queries, bank)
    found = nearest_neighbours(queries, bank, k)
    assert found.indices.tolist() == distances.argsort(1)[:, :k].tolist()
    torch.testing.assert_close(found.distances, torch.from_numpy(np.sort(distances)[:, :k]), rtol=1e-12, atol=0)


def test_neighbours_closer_than_the_products_can_tell_are_put_in_order():
    queries, bank = 10 * normal(1, 20), 10 * normal(50, 20, seed=1)
    lengths = torch.tensor([3.0, 1, 5, 2, 4]) * 1e-9
    bank[[40, 7, 22, 3, 15]] = queries + lengths.double()[:, None] * torch.eye(20).double()[:5]
    assert nearest_neighbours(queries, bank, k=5).indices.tolist() == [[7, 3, 40, 15, 22]]


def test_what_neighbours_refuse():
    with refused("k is 10, expected at most 9"):
        nearest_neighbours(normal(3, 2), normal(9, 2), k=10)
    with refused("k is 0"):
        nearest_neighbours(normal(3, 2), normal(9, 2), k=0)
    with refused("bank has shape"):
        nearest_neighbours(normal(3, 2), normal(9, 3))
    with refused("queries holds NaN"):
        nearest_neighbours(normal(3, 2) / 0, normal(9, 2))


# -- precision and recall


def test_identical_sets_have_both_and_disjoint_ones_neither():
    x = normal(50, 6)
    assert shares(x, x) == shares(x, x.flip(0)) == (1, 1)
    assert shares(x, x + 100) == (0, 0)


def test_fakes_of_half_the_modes_are_precise_and_do_not_reach_the_others():
    left, right = 0.1 * normal(40, 3), 0.1 * normal(40, 3, seed=1) + 50
    precision, recall = shares(torch.cat([left, right]), left + 1e-9)
    assert precision == 1 and recall == 0.5
    assert shares(left, torch.cat([left, right])) == (0.5, 1)


@pytest.mark.parametrize("k", [1, 3, 10])
@pytest.mark.parametrize("scale", [0.3, 1.0, 2.0])
def test_precision_and_recall_are_those_of_all_distances(k, scale, at_a_time):
    real, fake = normal(61, 4), scale * normal(47, 4, seed=1) + 0.2
    expected = brute_force(real, fake, k)
    assert shares(real, fake, k=k) == pytest.approx(expected, abs=1e-15)
    assert scale == 1 or 0 < min(expected) < 1


def test_far_from_the_origin_the_distances_are_the_same():
    """Where ‖a‖² - 2 aᵀb + ‖b‖² is all rounding, unless the mean is taken off first."""
    real, fake = normal(61, 4), 0.5 * normal(47, 4, seed=1)
    assert shares(real + 1e7, fake + 1e7) == shares(real, fake)
    assert (
        nearest_neighbours(fake + 1e7, real + 1e7).indices.tolist() == nearest_neighbours(fake, real).indices.tolist()
    )


def test_the_edge_of_a_ball_belongs_to_it():
    """Distances of whole numbers, and fakes that are all the same."""
    real = torch.arange(6.0).double()[:, None]
    fake = torch.tensor([[-1.0], [-1.5], [6.0], [6.5]]).double()
    assert shares(real, fake, k=1)[0] == 0.5 == brute_force(real, fake, 1)[0]
    rows = normal(30, 8) * 37
    collapsed = rows[[4]].repeat(20, 1)
    assert shares(rows, collapsed) == (1, 1 / 30) == brute_force(rows, collapsed, 3)


def test_nothing_is_drawn_and_the_rows_stay():
    real, fake = normal(20, 4), normal(20, 4, seed=1)
    before = real.clone(), fake.clone()
    with undrawn():
        shares(real, fake)
        nearest_neighbours(fake, real)
    assert torch.equal(real, before[0]) and torch.equal(fake, before[1])


def test_what_precision_and_recall_refuse():
    for k, words in ((9, "k is 9, expected at most 8"), (0, "k is 0"), (1.5, "k is 1.5, expected a whole number")):
        with refused(words):
            shares(normal(9, 2), normal(12, 2), k=k)
    with refused("fake holds NaN or infinity"):
        shares(normal(9, 2), normal(9, 2) / 0)
