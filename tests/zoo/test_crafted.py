"""Shipped perturbations: files with cards, made again by one command, handed out as what they are."""

import hashlib
import json
import math
import re

import pytest
import torch

from advcourse import __main__ as cli
from advcourse.zoo import _crafts, crafted
from tests.support.files import cut

CPU = torch.device("cpu")


@pytest.fixture
def waves(monkeypatch, tmp_path):
    """A craft that takes no time, in a folder of its own."""
    made = _crafts.Craft(
        {"seed": 0},
        lambda device: {"wave": torch.arange(4.0)},
        lambda device, made: "4 of 4",
        lambda made: made["wave"],
    )
    monkeypatch.setattr(crafted, "CRAFTS", {"toy/wave": made})
    return tmp_path / "toy-wave.safetensors"


@pytest.mark.parametrize("name", crafted.names())
def test_every_shipped_file_is_the_one_its_card_describes(name):
    file, card = crafted.file(name), crafted.card(name)
    assert card["name"] == name and card["command"] == f"python -m advcourse craft {name}"
    assert card["bytes"] == file.stat().st_size < 1.5e6
    assert card["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert {"measured", "model", "data", "seed", "minutes", "date", "device", "versions"} <= card.keys()
    assert crafted.load(name) is not None


def test_what_is_crafted_is_what_is_loaded(waves, capsys):
    assert cli.main(["craft", "toy/wave", "--device", "cpu", "--out", str(waves.parent)]) == 0
    assert "4 of 4" in capsys.readouterr().out
    assert torch.equal(crafted.load("toy/wave", folder=waves.parent), torch.arange(4.0))
    assert crafted.card("toy/wave", waves.parent)["command"] == "python -m advcourse craft toy/wave"


def test_an_unknown_name_lists_the_known_ones(waves, capsys):
    with pytest.raises(ValueError, match="name is 'toy/sea', expected one of toy/wave"):
        crafted.load("toy/sea")
    assert cli.main(["craft", "toy/sea"]) == 2
    assert "toy/wave" in capsys.readouterr().err


def test_a_missing_and_a_damaged_file_say_how_to_mend_them(waves):
    advice = "python -m advcourse craft toy/wave"
    with pytest.raises(FileNotFoundError, match=advice):
        crafted.load("toy/wave", folder=waves.parent)
    crafted.make("toy/wave", CPU, folder=waves.parent)
    cut(waves)
    with pytest.raises(RuntimeError, match=rf"damaged.*{advice}"):
        crafted.load("toy/wave", folder=waves.parent)
    waves.with_suffix(".json").write_text(json.dumps({})[:1])
    with pytest.raises(RuntimeError, match=rf"toy-wave\.json is missing or damaged.*{advice}"):
        crafted.card("toy/wave", waves.parent)


def stated(name):
    """The first share of the card's measurement."""
    return float(re.search(r"([\d.]+)%", crafted.card(name)["measured"])[1]) / 100


def measured(name, n):
    """The share that the file's own recipe measures on a part of what the card speaks of."""
    recipe = _crafts.CRAFTS[name]
    text = recipe.measure(CPU, crafted.files.read(crafted.file(name), ""), n)
    return float(re.search(r"([\d.]+)%", text)[1]) / 100


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "n", "pictures", "least"),
    [("patch/toaster", 1, 54, 0.95), ("sticker/speed-limit-80", 3, 180, 0.8), ("texture/espresso", 40, 40, 0.8)],
)
def test_every_shipped_file_does_what_its_card_says(name, n, pictures, least):
    """Within four standard deviations of a share of so many pictures."""
    share = stated(name)
    assert share >= least
    assert abs(measured(name, n) - share) <= 4 * math.sqrt(share * (1 - share) / pictures)
