"""The study of natural shifts: the shifts by hand, what its table says, and that the shipped one is whole."""

import math

import pytest
import torch

from advcourse import __main__ as cli
from advcourse import data
from advcourse.zoo import shifted
from advcourse.zoo.shifted import SHIFTS, ShiftSettings, gains, shifts
from tests.support.scenes import seeded

SMALL = ShiftSettings(images=48, labelled=16, epochs=1, batch_size=16, rounds=1)
ARMS = ["standard", "random crops", "adversarial", "AdvProp"]
ARMS += ["teacher", "teacher with noise", "noisy student", "student without noise"]


@pytest.fixture
def noise_as_fashion_mnist(own_cache, monkeypatch):
    """Forty-eight images, so that a run takes a blink."""

    def load(name, split="test", n=None, stand_in=True):
        assert name == "fashion-mnist" and not stand_in
        images = torch.randint(0, 256, (n or 48, 1, 28, 28), generator=seeded(len(split))).float() / 255
        return images, torch.arange(len(images)) % 10, list("abcdefghij")

    monkeypatch.setattr(data, "load", load)
    real = shifted.defenses.noisy_student
    monkeypatch.setattr(shifted.defenses, "noisy_student", lambda *given, **more: real(*given, threshold=0.0, **more))


def test_shifts_are_what_their_names_say():
    images = torch.rand(4, 1, 28, 28, generator=seeded())
    found = shifts(images)
    assert tuple(found) == SHIFTS and torch.equal(found["clean"], images)
    assert all(each.shape == images.shape and 0 <= each.min() and each.max() <= 1 for each in found.values())
    torch.testing.assert_close(found["contrast"], 0.3 + 0.4 * images)
    grey = shifts(torch.full((20, 1, 28, 28), 0.5))["noise"]
    assert grey.std().item() == pytest.approx(0.15, rel=0.03)
    assert torch.equal(found["noise"], shifts(images)["noise"]) and not torch.equal(
        found["noise"], shifts(images, seed=1)["noise"]
    )
    flat = shifts(torch.full((1, 1, 28, 28), 0.25))
    torch.testing.assert_close(flat["blur"], torch.full((1, 1, 28, 28), 0.25))


def test_every_arm_is_trained_and_measured_and_kept(noise_as_fashion_mnist, tmp_path, monkeypatch):
    options = {"settings": SMALL, "file": tmp_path / "table.json", "runs": tmp_path / "runs", "progress": False}
    made = shifted.make(2, **options)
    assert [(run["arm"], run["seed"]) for run in made["runs"]] == [(arm, seed) for seed in (0, 1) for arm in ARMS]
    assert all(0 <= run[name] <= 1 for run in made["runs"] for name in (*SHIFTS, "under_pgd"))
    assert made == shifted.load(file=tmp_path / "table.json")
    monkeypatch.setattr(shifted, "_of_seed", lambda *given: 1 / 0)
    assert shifted.make(2, **options)["runs"] == made["runs"]


def test_gains_are_paired_and_over_the_network_that_each_builds_on():
    values = {"standard": (0.5, 0.7), "AdvProp": (0.6, 0.9), "teacher": (0.2, 0.3), "noisy student": (0.4, 0.4)}
    runs = [
        {"arm": arm, "seed": seed, **dict.fromkeys((*SHIFTS, "under_pgd"), pair[seed])}
        for arm, pair in values.items()
        for seed in (0, 1)
    ]
    found = gains({"runs": runs})
    assert found.loc["AdvProp", "clean gain"] == pytest.approx(0.15)
    assert found.loc["noisy student", "blur gain"] == pytest.approx(0.15)
    assert found.loc["AdvProp", "clean ±"] == pytest.approx(12.7062 * 0.0707107 / 2**0.5, rel=1e-4)
    assert found.loc["teacher", "clean gain"] == 0 and list(found["seeds"]) == [2, 2, 2, 2]


def test_bad_input_is_named(tmp_path):
    with pytest.raises(ValueError, match="seeds is 0"):
        shifted.make(0)
    with pytest.raises(FileNotFoundError, match="advcourse study shifts"):
        shifted.load(file=tmp_path / "none.json")


def test_the_command_makes_the_table(monkeypatch, tmp_path, capsys):
    given = {}
    monkeypatch.setattr(shifted, "make", lambda **options: given.update(options) or shifted.load())
    assert cli.main(["study", "shifts", "--seeds", "2", "--device", "cpu", "--out", str(tmp_path)]) == 0
    assert given == {"seeds": 2, "device": "cpu", "file": tmp_path / "shifts.json"}
    assert "noisy student" in capsys.readouterr().out


def test_the_shipped_table_is_whole_and_of_todays_settings():
    study = shifted.load()
    seeds = {run["seed"] for run in study["runs"]}
    assert {(run["arm"], run["seed"]) for run in study["runs"]} == {(arm, seed) for arm in ARMS for seed in seeds}
    assert len(seeds) >= 2 and ShiftSettings().__dict__.items() <= study["settings"].items()
    assert all(math.isfinite(value) for value in gains(study)["noise ±"])
