"""The study of defenses that train: what its table says, that runs are kept, and that the shipped one is whole."""

import json
import math

import pytest
import torch

from advcourse import __main__ as cli
from advcourse import data
from advcourse.zoo import defended
from advcourse.zoo.defended import CURE_LAM, CURE_LAMS, DEFENSES, DefenseSettings, tabulated
from tests.support.scenes import seeded

SMALL = DefenseSettings(images=40, epochs=1, steps=1, batch_size=20, trusted=4, held_out=10)


@pytest.fixture
def noise_as_fashion_mnist(own_cache, monkeypatch):
    """Forty images, so that a run takes a blink."""

    def load(name, split="test", n=None, stand_in=True):
        assert name == "fashion-mnist" and not stand_in
        images = torch.rand(n or 40, 1, 28, 28, generator=seeded(len(split)))
        return images, torch.arange(len(images)) % 10, list("abcdefghij")

    monkeypatch.setattr(data, "load", load)


def study(tmp_path, arms=tuple(DEFENSES), seeds=1):
    options = {"settings": SMALL, "file": tmp_path / "table.json", "runs": tmp_path / "runs", "progress": False}
    return defended.make(arms, seeds, **options)


def test_every_arm_trains_by_a_loss_of_its_own_and_is_measured(noise_as_fashion_mnist, tmp_path):
    made = study(tmp_path)
    assert [run["arm"] for run in made["runs"]] == list(DEFENSES)
    for run in made["runs"]:
        for measure in ("accuracy", "under_signs", "under_fgsm", "under_pgd", "trusted"):
            assert 0 <= run[measure] <= 1
        assert run["curvature"] > 0 and run["seconds"] > 0
        assert run["steps"] == (8 if run["arm"] == "free" else 2)
    losses = [run["loss"] for run in made["runs"]]
    assert all(map(math.isfinite, losses)) and len(set(losses)) == len(losses)
    assert made == defended.load(file=tmp_path / "table.json")
    assert [each["lam"] for each in made["cure"]["chosen"]] == list(CURE_LAMS)


def test_runs_that_are_there_are_not_repeated_and_a_stopped_one_goes_on(noise_as_fashion_mnist, tmp_path, monkeypatch):
    first = study(tmp_path, ["standard"], 2)
    trained = []
    original = defended._trained
    monkeypatch.setattr(defended, "_trained", lambda *given: trained.append(given[1]) or original(*given))
    assert study(tmp_path, ["standard"], 2)["runs"] == first["runs"] and trained == []
    assert len(study(tmp_path, ["standard", "fast"], 1)["runs"]) == 2 and trained == [0]


def test_the_table_is_a_mean_with_an_interval_and_costs_are_those_of_the_same_seed():
    runs = [
        {"arm": arm, "seed": seed, "accuracy": accuracy, "seconds": seconds}
        | dict.fromkeys(("under_signs", "under_fgsm", "under_pgd", "trusted", "curvature"), 0.5)
        for arm, seed, accuracy, seconds in (
            ("standard", 0, 0.8, 10),
            ("fast", 0, 0.6, 20),
            ("standard", 1, 0.9, 20),
            ("fast", 1, 0.8, 60),
        )
    ]
    found = tabulated({"runs": runs})
    assert list(found.index) == ["standard", "fast"] and list(found["seeds"]) == [2, 2]
    assert found.loc["fast", "accuracy"] == pytest.approx(0.7) and found.loc["fast", "cost"] == pytest.approx(2.5)
    pooled = ((0.005 + 0.02) / 2) ** 0.5  # of two arms' variances
    assert list(found["accuracy ±"]) == pytest.approx(2 * [4.30265 * pooled / 2**0.5], rel=1e-4)
    assert tabulated({"runs": runs[:2]})["accuracy ±"].isna().all()


def test_bad_input_is_named(tmp_path, capsys):
    with pytest.raises(ValueError, match="arms is 'distillation'"):
        study(tmp_path, ["distillation"])
    with pytest.raises(ValueError, match="seeds is 0"):
        study(tmp_path, ["standard"], 0)
    with pytest.raises(FileNotFoundError, match="advcourse study defenses"):
        defended.load(file=tmp_path / "none.json")


def test_the_command_makes_the_table(monkeypatch, tmp_path, capsys):
    given = {}

    def make(**options):
        given.update(options)
        return defended.load()

    monkeypatch.setattr(defended, "make", make)
    assert cli.main(["study", "defenses", "--seeds", "2", "--device", "cpu", "--out", str(tmp_path)]) == 0
    assert given == {"seeds": 2, "device": "cpu", "file": tmp_path / "defenses.json"}
    assert "organic and FGSM" in capsys.readouterr().out


def test_the_shipped_table_is_whole_and_of_todays_settings():
    study = defended.load()
    runs = study["runs"]
    seeds = {run["seed"] for run in runs}
    assert {(run["arm"], run["seed"]) for run in runs} == {(arm, seed) for arm in DEFENSES for seed in seeds}
    assert len(seeds) >= 2
    settings = json.loads(json.dumps(DefenseSettings().__dict__))
    assert settings.items() <= study["settings"].items()
    best = max(study["cure"]["chosen"], key=lambda each: each["under_pgd"])
    assert best["lam"] == CURE_LAM == study["cure"]["lam"]
