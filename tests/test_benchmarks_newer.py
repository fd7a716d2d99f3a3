"""What the benchmarks of the attacks that came with the evaluation count, compare and call reached."""

import math

import pytest
import torch

from advcourse.attacks import deepfool, ifgsm
from benchmarks.budget import ORDERS, Point, judge, measured, ours, ratio, searches, verdicts, within
from benchmarks.overhead import ATTACKS, tables
from benchmarks.overhead import verdicts as held_to
from benchmarks.passes import Pass, bare, per_image, recorded
from tests.support.scenes import scene


def point(library, attack, passes, distance, budget=100):
    return Point("mnist/cnn", "l2", library, attack, budget, passes, torch.tensor(distance))


def test_distance_is_infinite_where_the_network_is_not_fooled():
    model, images, labels = scene(6)
    far = images.flip(3)
    wrong = model(far).argmax(1) != labels
    assert wrong.any() and not wrong.all()
    for norm, order in ORDERS.items():
        found = judge(model, images, labels, far, norm)
        assert torch.equal(found.isfinite(), wrong)
        exact = torch.linalg.vector_norm((far - images).flatten(1), order, dim=1)
        torch.testing.assert_close(found[wrong], exact[wrong])
    with pytest.raises(ValueError, match="returned images"):
        judge(model, images, labels, images - 0.1, "l2")


def test_a_search_over_constants_stays_within_its_passes():
    for passes in (0, 1, 10, 30, 100, 1000):
        constants, steps = searches(passes)
        assert 1 <= constants <= 9 and steps >= 1 and constants * steps <= max(1, passes)


def test_ratio_of_medians_and_its_paired_interval():
    distance = torch.linspace(1, 2, 101)
    assert ratio(distance, distance) == (1, 1, 1)
    middle, low, high = ratio(2 * distance, distance)
    assert (middle, low, high) == pytest.approx((2, 2, 2))  # paired: no image varies against itself
    noisy = distance * (1 + 0.2 * torch.rand(101, generator=torch.Generator().manual_seed(0)))
    middle, low, high = ratio(noisy, distance)
    assert low < middle < high
    assert ratio(torch.full((9,), math.inf), torch.ones(9))[0] == math.inf


def test_the_nearest_within_the_budget_is_compared():
    points = [
        point("advcourse", "a", 50, [1.0, 2.0, 3.0]),
        point("advcourse", "a", 500, [0.1, 0.1, 0.1]),  # over the budget
        point("advcourse", "b", 90, [1.0, 1.5, 3.0]),
        point("adv-lib", "a", 100, [1.0, 1.6, 3.0]),
        point("foolbox", "a", 100, [1.0, 1.4, 3.0]),
    ]
    assert {(each.library, each.attack, each.passes) for each in within(points, 100)} == {
        ("advcourse", "a", 50),
        ("advcourse", "b", 90),
        ("adv-lib", "a", 100),
        ("foolbox", "a", 100),
    }
    rows = verdicts(points, 100)
    assert [row[2] for row in rows] == ["b 1.5", ""] and [row[-1] for row in rows] == ["yes", "no"]


def test_passes_are_counted_and_every_attack_of_ours_comes_nearer_with_more(own_cache, offline):
    found = measured("mnist/cnn", "l2", 4, (10, 100), ["advcourse"])
    assert {each.attack for each in found} == set(ours("l2"))
    for few, many in zip(found[::2], found[1::2], strict=True):
        assert few.attack == many.attack and few.passes < many.passes
        assert many.passes <= 115 or many.attack == "SuperDeepFool"  # whole runs of DeepFool, however long
        assert many.median <= few.median


def test_backward_passes_of_one_graph_are_each_counted_and_run():
    model, images, labels = scene(3)
    with recorded(model) as passes:
        deepfool(model, images, labels, steps=1, candidates=4)
    forwards, backwards = per_image(passes, 3)
    assert backwards == 3 and forwards >= 2  # the differences to three other classes
    with recorded(model) as again:
        bare(model, images, labels, passes)
    assert per_image(again, 3) == (forwards, backwards)
    with recorded(model) as passes:
        ifgsm(model, images, labels, step_size=1e-6, steps=2)
    assert per_image(passes, 3)[1] == 2


def test_time_and_memory_are_held_to_their_bounds():
    over = {"apgd, linf": [1.0, 1.2, 1.3], "apgd, l1": [1.5] * 3, "fmn, l2": [1.0] * 3}
    held = {"apgd, linf": 7.0, "apgd, l1": 31.0, "fmn, l2": 7.5}
    found = held_to(over, held, "toy", 8)
    assert [(each.measured, each.reached) for each in found] == [
        ("1.200, apgd, linf", False),
        ("7.50, fmn, l2", True),
        ("31.00, apgd, l1", False),
    ]
    assert {name.partition(",")[0] for name in ATTACKS} >= {"apgd", "fab", "fmn", "alma", "square", "ead", "σ-zero"}
    assert [each.measured for each in held_to({"fmn, l1": [1.0]}, {"fmn, l1": 4.0}, "toy", 8)] == ["4.00, fmn, l1"]


def test_only_the_attacks_asked_for_are_timed_and_held_to_a_pass_of_their_kind(monkeypatch):
    model, images, labels = scene(4)
    monkeypatch.setattr("benchmarks.cases.Case.load", lambda case, device: (model, images, labels, 4))
    asked = []
    monkeypatch.setattr("benchmarks.overhead.bare", lambda *given: (asked.append(given[-1]), bare(*given)))
    text = tables("toy", 4, 2, torch.device("cpu"), "processor", ["square, linf", "fmn, linf"])
    rows = [row.strip("| ").split(" | ") for row in text.split("\n\n")[1].splitlines()[2:]]
    assert [row[0] for row in rows] == ["fmn, linf", "square, linf"]
    assert [float(row[2]) > 0 for row in rows] == [True, False]
    assert [passes for passes in asked if len(passes) == 1] == [[Pass(4, True, 1)], [Pass(4, False, 0)]]
