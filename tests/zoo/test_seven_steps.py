"""The study of the seven steps: which images each network learns, and what its table says."""

import pytest
import torch

from advcourse import __main__ as cli
from advcourse import data, training
from advcourse.attacks import fgsm
from advcourse.zoo import seven_steps
from advcourse.zoo.defended import DefenseSettings
from advcourse.zoo.seven_steps import ledger
from tests.support.scenes import seeded

SMALL = DefenseSettings(images=48, epochs=1, batch_size=16, steps=2, trusted=4)
NETWORKS = ["first", "retrained", "on the perturbed alone", "with random signs", "made anew, FGSM", "made anew, PGD"]
MEASURES = ("accuracy", "perturbed", "under_signs", "under_fgsm", "under_pgd", "trusted")


@pytest.fixture
def noise_as_fashion_mnist(own_cache, monkeypatch):
    """Forty-eight images, so that a run takes a blink."""

    def load(name, split="test", n=None, stand_in=True):
        assert name == "fashion-mnist" and not stand_in
        images = torch.randint(0, 256, (n or 48, 1, 28, 28), generator=seeded(len(split))).float() / 255
        return images, torch.arange(len(images)) % 10, list("abcdefghij")

    monkeypatch.setattr(data, "load", load)


def test_each_network_learns_the_images_of_its_step(noise_as_fashion_mnist, tmp_path, monkeypatch):
    """The perturbed ones are FGSM's on the first network; the control is of their size."""
    fit, learned = training.fit, []

    def watched(model, batch, loss, **options):
        history = fit(model, batch, loss, **options)
        learned.append((model, *batch))
        return history

    monkeypatch.setattr(training, "fit", watched)
    options = {"settings": SMALL, "file": tmp_path / "table.json", "runs": tmp_path / "runs", "progress": False}
    made = seven_steps.make(2, **options)
    assert [(run["network"], run["seed"]) for run in made["runs"]] == [(n, seed) for seed in (0, 1) for n in NETWORKS]
    assert all(0 <= run[name] <= 1 for run in made["runs"] for name in MEASURES)
    images, labels, _ = data.load("fashion-mnist", "train", n=48, stand_in=False)
    (first, x, y), *others = learned[: len(NETWORKS)]
    assert torch.equal(x, images) and torch.equal(y, labels)
    perturbed = fgsm(first, images, labels, eps=SMALL.eps)
    both, alone, signs, *anew = (batch for _, *batch in others)
    assert torch.equal(both[0], torch.cat([images, perturbed])) and torch.equal(alone[0], perturbed)
    assert torch.equal(both[1], torch.cat([labels, labels])) and torch.equal(alone[1], labels)
    inside = ((images - SMALL.eps).clamp(0, 1), (images + SMALL.eps).clamp(0, 1))
    assert torch.equal(signs[0][:48], images) and not torch.equal(signs[0][48:], perturbed)
    assert all(((signs[0][48:] - end).abs() < 1e-6).any() for end in inside)
    torch.testing.assert_close(
        torch.minimum(*((signs[0][48:] - end).abs() for end in inside)), torch.zeros_like(images)
    )
    assert all(torch.equal(x, images) and torch.equal(y, labels) for x, y in anew)

    assert made == seven_steps.load(file=tmp_path / "table.json")
    monkeypatch.setattr(seven_steps, "_of_seed", lambda *given: 1 / 0)
    assert seven_steps.make(2, **options)["runs"] == made["runs"]


def test_the_table_has_means_and_intervals():
    runs = [
        {"network": name, "seed": seed, **dict.fromkeys(MEASURES, value + 0.1 * seed)}
        for name, value in (("first", 0.2), ("retrained", 0.6))
        for seed in (0, 1)
    ]
    found = ledger({"runs": runs})
    assert list(found.index) == ["first", "retrained"] and found.loc["retrained", "trusted"] == pytest.approx(0.65)
    assert found.loc["first", "perturbed ±"] == pytest.approx(12.7062 * 0.0707107 / 2**0.5, rel=1e-4)


def test_bad_input_is_named(tmp_path):
    with pytest.raises(ValueError, match="seeds is 0"):
        seven_steps.make(0)
    with pytest.raises(FileNotFoundError, match="advcourse study seven-steps"):
        seven_steps.load(file=tmp_path / "none.json")


def test_the_command_makes_the_table(monkeypatch, tmp_path, capsys):
    given = {}
    monkeypatch.setattr(seven_steps, "make", lambda **options: given.update(options) or seven_steps.load())
    assert cli.main(["study", "seven-steps", "--seeds", "2", "--device", "cpu", "--out", str(tmp_path)]) == 0
    assert given == {"seeds": 2, "device": "cpu", "file": tmp_path / "seven-steps.json"}
    assert "made anew, PGD" in capsys.readouterr().out


def test_the_shipped_table_says_that_examples_do_not_keep():
    study = seven_steps.load()
    seeds = {run["seed"] for run in study["runs"]}
    assert [(run["network"], run["seed"]) for run in study["runs"]] == [(n, seed) for seed in seeds for n in NETWORKS]
    assert len(seeds) >= 3 and DefenseSettings().__dict__.items() <= study["settings"].items()
    found = ledger(study)
    assert found.loc["retrained", "perturbed"] > 0.7 and found.loc["retrained", "under_pgd"] < 0.2
    assert found.loc["made anew, PGD", "trusted"] > 0.4 and found.loc["with random signs", "trusted"] < 0.2
