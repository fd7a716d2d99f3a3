"""The benchmark of robust training at a size at which it takes a moment."""

import math

import pytest
import torch

from advcourse.zoo import defended
from advcourse.zoo.defended import DEFENSES, DefenseSettings
from benchmarks import robust_training, training_peers
from benchmarks.robust_training import EQUAL_HEAD, HEAD, PEER_HEAD, Row, costs, equal, passes, peers

SETTINGS = DefenseSettings(images=16, epochs=1, batch_size=8, steps=2, trusted=4)
EXPECTED = {"standard": (1, 1), "random signs": (1, 1), "FGSM": (2, 2), "organic and FGSM": (3, 3), "fast": (2, 2)}
EXPECTED |= {"free": (4, 4), "PGD": (4, 3), "smooth PGD": (4, 3), "CURE": (3, 5), "AWP": (5, 4)}


def batch(n=16):
    draw = torch.Generator().manual_seed(0)
    return torch.rand(n, 1, 28, 28, generator=draw), torch.randint(10, (n,), generator=draw)


def cells(table):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


@pytest.mark.parametrize("arm", EXPECTED)
def test_passes_of_an_image_are_those_of_the_method(arm):
    assert passes(arm, *batch(4), SETTINGS) == EXPECTED[arm]


def test_an_epoch_is_compared_with_the_standard_one_of_the_same_round():
    rows = costs(["fast", "PGD"], *batch(), SETTINGS, 2, "processor")
    assert [row.name for row in rows] == ["standard", "fast", "PGD"]
    assert rows[0].of_standard == [1, 1] and [row.floor for row in rows] == [1, 2, 3.5]
    for row in rows:
        assert row.of_standard == [one / other for one, other in zip(row.seconds, rows[0].seconds, strict=True)]
        assert len(row.line()) == len(HEAD)


def test_what_is_over_the_passes_is_told():
    assert Row("CURE", 3, 5, [8.0], [6.0]).line()[-1].startswith("1.50")


def test_every_arm_can_be_timed():
    assert robust_training.STANDARD in DEFENSES and robust_training.EQUAL.keys() <= DEFENSES.keys()


def test_trainers_stand_side_by_side_with_where_they_lead(monkeypatch):
    calls = []

    def blind(x, y, settings, *, epochs):
        calls.append((len(x), epochs))
        return defended.network_of(DEFENSES["standard"], 0).eval()

    monkeypatch.setattr(training_peers, "PAIRS", {"PGD": {"advcourse": blind, "ART": blind}})
    table = peers(*batch(), 8, batch(), SETTINGS, 2, "processor")
    assert [row[:2] for row in cells(table)] == [["PGD", "advcourse"], ["PGD", "ART"]]
    assert all(len(row) == len(PEER_HEAD) for row in cells(table)) and cells(table)[0][3].startswith("1.00 ")
    assert calls.count((8, 1)) == 6 and calls.count((16, SETTINGS.epochs)) == 2


def test_ours_trains_from_the_study_s_weights():
    before = defended.network_of(DEFENSES["standard"], 0).state_dict()
    for name in training_peers.PAIRS:
        after = training_peers.PAIRS[name]["advcourse"](*batch(), SETTINGS, epochs=1).state_dict()
        moved = max((after[key] - before[key]).abs().max() for key in before)
        assert 0 < moved < 10 * training_peers.RATE and all(math.isfinite(each.sum()) for each in after.values())


def test_lengths_are_whole_runs(monkeypatch):
    asked = []

    def run(arm, seed, settings, device):
        asked.append((arm, seed, settings.epochs))
        return {"seconds": 10.0 * settings.epochs, "accuracy": 0.5, "trusted": 0.25}

    monkeypatch.setattr(robust_training, "run_of", run)
    table = equal(SETTINGS, torch.device("cpu"), {"PGD": (1, 2), "CURE": (3,)})
    assert asked == [("PGD", 0, 1), ("PGD", 0, 2), ("CURE", 0, 3)]
    assert [row[:3] for row in cells(table)] == [["PGD", "1", "10"], ["PGD", "2", "20"], ["CURE", "3", "30"]]
    assert cells(table)[0][3:] == ["50.0%", "25.0%"] and len(cells(table)[0]) == len(EQUAL_HEAD)
