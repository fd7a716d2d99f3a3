"""What the benchmarks of black-box methods count as a query, a success and a failure."""

import math

import pytest
import torch

from advcourse.blackbox import nes
from benchmarks import decisions, queries
from benchmarks.queries import METHODS, Counted, Noted, Reached, bare, interval, row, stopped
from tests.support.scenes import scene
from tests.support.toys import Affine


def counted(n=3, eps=0.2):
    model = Affine(torch.stack([torch.zeros(4), torch.ones(4)]), torch.tensor([0.0, -2.4]))  # class 1 above 0.6
    images = torch.full((n, 1, 2, 2), 0.5)
    return Counted(model, images, eps, lambda classes, rows: classes == 1)


def test_success_is_the_first_query_that_fools_within_the_ball():
    network = counted()
    oracle = Noted(network, reveals="label")
    shown = torch.tensor([0.5, 0.55, 0.9, 0.65, 0.68]).view(-1, 1, 1, 1).expand(-1, 1, 2, 2)
    oracle(shown, torch.tensor([0, 0, 0, 0, 1]))  # the third is too far, the fourth is image 0's success
    oracle(shown[3:], torch.tensor([0, 2]))
    assert network.first.tolist() == [4, 1, 1] and network.asked.tolist() == [5, 1, 1]
    assert network.sizes == [5, 2]


@pytest.mark.parametrize("reveals", [{"reveals": "logits"}, {"reveals": "probabilities"}, {"reveals": "top_k", "k": 1}])
def test_every_kind_of_answer_is_understood(reveals):
    network = counted(2)
    Noted(network, **reveals)(torch.full((2, 1, 2, 2), 0.7))
    assert network.first.tolist() == [1, 1]


def test_the_count_of_a_stopping_method_is_what_it_took_where_it_fooled_within_the_ball():
    model, images, labels = scene(6)
    network = Counted(model, images, 0.3, lambda classes, rows: classes != labels[rows])
    oracle = Noted(network)
    result = nes(oracle, images, labels, eps=0.3, samples=20, queries=1000)
    fell = model(result).argmax(1) != labels
    assert fell.any()
    result[0] = 1 - images[0]  # out of the ball
    fell[0] = False
    asked = oracle.queries()
    first = stopped(model, result, images, 0.3, network.wanted, asked)
    assert torch.equal(first, asked.float().where(fell, torch.inf))
    assert bare(network) > 0


def test_failures_stand_beside_the_mean_and_not_in_it():
    one = Reached("mnist/cnn", "NES", torch.tensor([10.0, math.inf, 30.0, 50.0, math.inf]), 1000, 2.0, 1.1)
    assert row(one, 0.2) == ["mnist/cnn, 0.2", "NES", "3", "2", "30", "30", "2.00", "1.10"]
    none = Reached("cifar10/resnet20", "NES", torch.full((2,), math.inf), 10, 1.0)
    assert row(none, 2 / 255) == ["cifar10/resnet20, 2/255", "NES", "0", "2", "", "", "100.00", ""]


def test_the_interval_of_a_median_holds_it():
    values = [float(value) for value in range(1, 102)]
    low, high = interval(values)
    assert 35 < low < 51 < high < 67


def test_every_method_succeeds_on_a_shipped_network_or_says_that_it_failed(tmp_path):
    reached = [queries.measured("mnist/cnn", name, 2, 300, 0.3) for name in METHODS if "label" not in name]
    assert {one.method for one in reached} == {name for name in METHODS if "label" not in name}
    assert sum(len(one.fallen) for one in reached) >= 6
    for one in reached:
        assert one.queries <= 2 * 300 and all(1 <= at <= 300 for at in one.fallen)
    reached.append(queries.control("mnist/cnn", 2, 0.3, draws=3))
    queries.draw(reached, {"mnist/cnn": 300}, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 10_000


def test_decisions_stop_at_the_budget_and_keep_the_closest_that_fools():
    network = counted(1)
    watched = decisions.Watched(network.model, network.images, torch.tensor([0]), "linf", 4)
    shown = torch.tensor([0.9, 0.55, 0.7]).view(-1, 1, 1, 1).expand(-1, 1, 2, 2)
    watched(shown)
    with pytest.raises(decisions.Spent):
        watched(shown)
    assert watched.queries == 4
    closest = torch.cat(watched.found)
    assert closest.tolist() == pytest.approx([0.4, math.inf, 0.2, 0.4], abs=1e-6)
