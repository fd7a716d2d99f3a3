"""The augmentation study: what its table says, that runs are kept, and that the shipped one is whole."""

import json
import math

import pytest
import torch

from advcourse import __main__ as cli
from advcourse import data
from advcourse.zoo import _runs, studies
from advcourse.zoo.studies import ARMS, CONTROLS, Settings, summary
from tests.support.recorders import watched
from tests.support.scenes import seeded

SMALL = Settings(images=48, epochs=1, width=2, mixed_precision="no")


@pytest.fixture
def noise_as_cifar10(own_cache, monkeypatch):
    """Eight pixels a side and 48 images of noise, so that a run takes a blink."""

    def load(name, split="test", n=None, stand_in=True):
        assert name == "cifar10" and not stand_in
        images = torch.randint(0, 256, (n or 48, 3, 8, 8), generator=seeded(len(split))).float() / 255
        return images, torch.arange(len(images)) % 10, list("abcdefghij")

    monkeypatch.setattr(data, "load", load)
    monkeypatch.setattr(studies, "ATTACKED", 16)
    monkeypatch.setattr(studies, "VECTORS", 3)


def study(arms, seeds, folder, settings=SMALL):
    return studies.make("augmentation", arms, seeds, settings, torch.device("cpu"), folder=folder, progress=False)


def test_the_arms_are_those_of_the_deck():
    assert len(ARMS) == 9 and ARMS[:3] == ("basic", "flow + basic", "recolor + basic")
    assert {"auto", "flow + rand", "recolor + auto"} <= set(ARMS)
    assert {"random field + basic", "random recolor + rand", "auto, twice the epochs"} < set(CONTROLS)
    assert len(set(ARMS + CONTROLS)) == 18


def test_every_arm_runs_and_is_measured(noise_as_cifar10, tmp_path):
    controls = ("random field + basic", "random recolor + basic", "basic, twice the epochs")
    table = study(ARMS + controls, 1, tmp_path)
    assert [run["arm"] for run in table["runs"]] == [*ARMS, *controls]
    for run in table["runs"]:
        for measure in ("accuracy", "under_flow", "under_recolor"):
            assert 0 <= run[measure] <= 1
        assert math.isfinite(run["loss"]) and run["seconds"] > 0
    losses = [run["loss"] for run in table["runs"]]
    assert len(set(losses)) == len(losses)  # no two arms train alike
    assert table == studies.load("augmentation", folder=tmp_path)
    assert table["settings"]["width"] == 2 and "--width 2 " in table["command"]
    assert table["command"].endswith(" --device cpu")


def kept():
    """The runs in the cache, and when each was written."""
    files = list((data.cache_folder() / "studies" / "augmentation").glob("*.json"))
    runs = [json.loads(file.read_text()) for file in files]
    return {f"{run['arm']} {run['seed']}": file.stat().st_mtime_ns for run, file in zip(runs, files, strict=True)}


def test_runs_are_kept_and_repeat_to_the_same_numbers(noise_as_cifar10, tmp_path):
    first = study(ARMS[:2], 1, tmp_path)
    before = kept()
    second = study(ARMS[:2], 2, tmp_path)
    assert kept().items() >= before.items() and kept().keys() - before.keys() == {"basic 1", "flow + basic 1"}
    assert second["runs"][:2] == first["runs"]
    for file in (data.cache_folder() / "studies" / "augmentation").glob("*-0-*.json"):
        file.unlink()
    again = study(ARMS[:2], 1, tmp_path)
    assert [{**run, "seconds": 0} for run in again["runs"]] == [{**run, "seconds": 0} for run in first["runs"]]
    wider = study(ARMS[:1], 1, tmp_path, Settings(images=48, epochs=1, width=4, mixed_precision="no"))
    assert wider["runs"][0]["loss"] != first["runs"][0]["loss"]  # other settings, another run


def test_settings_reach_the_steps_and_the_attacks(noise_as_cifar10, tmp_path, monkeypatch):
    given = {}

    def watch(name):
        real = getattr(studies, name)

        def seen(model, images, labels, **named):
            given.setdefault(name, named | {"training": model.training})
            return real(model, images, labels, **named)

        monkeypatch.setattr(studies, name, seen)

    for name in ("flow_step", "recolor_step", "random_flow_step", "random_recolor_step", "flow", "recolor"):
        watch(name)
    built = watched(monkeypatch, studies, "basis_operator")
    settings = Settings(
        images=48, epochs=1, width=2, mixed_precision="no", gamma=3.0, max_displacement=0.7, strength=0.2
    )
    study(("flow + basic", "recolor + basic", "random field + basic", "random recolor + basic"), 1, tmp_path, settings)
    bent, coloured = {"gamma": 3.0, "max_displacement": 0.7}, {"strength": 0.2}
    assert callable(given["recolor"].pop("operator"))
    assert len(given["recolor_step"].pop("bases")) == 48 == len(given["random_recolor_step"].pop("bases"))
    assert all(call.given[0].vectors.shape[1] == 3 for call in built) and built
    assert given == {
        "flow_step": {**bent, "uniform": True, "training": True},
        "recolor_step": {**coloured, "uniform": True, "training": True},
        "random_flow_step": {**bent, "uniform": True, "training": True},
        "random_recolor_step": {**coloured, "uniform": True, "training": True},
        "flow": {**bent, "steps": 5, "training": False},
        "recolor": {**coloured, "steps": 5, "training": False},
    }


def test_seconds_are_those_of_all_epochs_of_a_run_that_was_stopped(noise_as_cifar10, tmp_path, monkeypatch):
    """A clock that goes on by a hundred seconds with every batch of an epoch's one."""
    now, done, step = [0.0], [], studies.flow_step

    def slow(*given, **named):
        now[0] += 100
        done.append(1)
        if len(done) == 3:
            raise KeyboardInterrupt
        return step(*given, **named)

    monkeypatch.setattr(_runs.time, "process_time", lambda: now[0])
    monkeypatch.setattr(studies, "flow_step", slow)
    settings = Settings(images=48, epochs=4, width=2, mixed_precision="no")
    with pytest.raises(KeyboardInterrupt):
        study(("flow + basic",), 1, tmp_path, settings)
    now[0] = 5e6  # another process
    table = study(("flow + basic",), 1, tmp_path, settings)
    assert len(done) == 5 and table["runs"][0]["seconds"] == 400


def test_gains_are_those_of_the_same_seed():
    """Seeds differ by ten points and the arms by one: unpaired, the interval would be as wide as the seeds differ."""
    runs = [
        {"arm": arm, "seed": seed, "accuracy": 0.5 + 0.1 * seed + gain}
        for arm, gains in (
            ("basic", (0, 0, 0)),
            ("flow + basic", (0.01, 0.02, 0.03)),
            ("auto", (0.2, 0, 0)),
            ("random field + basic", (0.03, 0.03, 0.03)),
            ("basic, twice the epochs", (0.1, 0.1, 0.1)),
        )
        for seed, gain in enumerate(gains)
    ]
    table = summary({"runs": runs})
    assert list(table.index) == ["basic", "flow + basic", "auto", "random field + basic", "basic, twice the epochs"]
    assert table.loc["random field + basic", "gain"] == pytest.approx(0.03)
    row = table.loc["flow + basic"]
    half = 4.302653 * 0.01 / math.sqrt(3)  # Student's t of two degrees of freedom
    assert row["gain"] == pytest.approx(0.02)
    assert (row["low"], row["high"]) == (pytest.approx(0.02 - half), pytest.approx(0.02 + half))
    assert row["mean"] == pytest.approx(0.62) and row["seeds"] == 3
    assert table.loc["basic", "deviation"] == pytest.approx(0.1)
    assert math.isnan(table.loc["auto", "gain"]) and table.loc["basic, twice the epochs", "gain"] == pytest.approx(0.1)


def test_bad_input_is_refused(noise_as_cifar10, tmp_path):
    with pytest.raises(ValueError, match="arms is 'mixup', expected one of basic, "):
        study(("mixup",), 1, tmp_path)
    with pytest.raises(ValueError, match="seeds is 0, expected at least 1"):
        study(ARMS[:1], 0, tmp_path)
    with pytest.raises(ValueError, match="device is meta, expected cpu: training would run there"):
        studies.make("augmentation", ARMS[:1], 1, SMALL, torch.device("meta"), folder=tmp_path, progress=False)
    for bad in ({"measure": "acc"}, {"level": 95.0}, {"level": 0}):
        with pytest.raises(ValueError, match=f"{next(iter(bad))} is .*expected"):
            summary(studies.load("augmentation"), **bad)
    with pytest.raises(ValueError, match="name is 'nothing', expected one of augmentation"):
        studies.load("nothing")
    with pytest.raises(FileNotFoundError, match="python -m advcourse study augmentation"):
        studies.load("augmentation", folder=tmp_path)


def test_from_the_command_line(noise_as_cifar10, tmp_path, capsys):
    command = "study augmentation --arms basic --seeds 1 --images 48 --epochs 1 --width 2 --device cpu --out"
    assert cli.main([*command.split(), str(tmp_path)]) == 0
    assert (
        "basic" in capsys.readouterr().out and studies.load("augmentation", folder=tmp_path)["settings"]["images"] == 48
    )


def test_the_shipped_study_has_every_arm_from_five_seeds_and_the_random_ones_from_the_first_of_them():
    table = studies.load("augmentation")
    seeds = {}
    for run in table["runs"]:
        seeds.setdefault(run["arm"], []).append(run["seed"])
    for arm in ("random field + basic", "random recolor + basic"):
        own = seeds.pop(arm)
        assert len(own) >= 2 and own == list(range(len(own)))
        assert f"{arm} from " in table["note"]  # it says from how many
    assert set(seeds) == {*ARMS[:3], "basic, twice the epochs"}
    assert all(each == [0, 1, 2, 3, 4] for each in seeds.values())
    assert table["settings"]["test_images"] == 10000 and "/" not in table["command"]
