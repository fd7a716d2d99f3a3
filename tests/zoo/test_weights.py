"""The shipped networks: each file is the one its card describes, and does what the card says on real images."""

import hashlib
import json
import math

import pytest
import torch

from advcourse import data, training
from advcourse.attacks import pgd
from advcourse.zoo import _train_gan, crafted, defended, games, seven_steps, shifted, studies, weights
from advcourse.zoo._recipes import RECIPES
from advcourse.zoo._recipes_gan import GAN_RECIPES
from tests.support.scenes import seeded

SHIPPED = list(weights.ARCHITECTURES)


@pytest.mark.parametrize("name", SHIPPED)
def test_the_card_describes_the_file(name):
    file, card = weights.file(name), weights.card(name)
    assert card["name"] == name
    assert card["bytes"] == file.stat().st_size < 2e6
    assert card["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.parametrize("name", SHIPPED)
def test_the_card_says_how_the_file_was_made(name):
    card, recipe = weights.card(name), (RECIPES | GAN_RECIPES)[name]
    assert card["command"] == f"python -m advcourse train {name}"
    assert card["data"].startswith(recipe.data)
    assert card["n_real" if name in weights.GENERATORS else "test_images"] == {"gtsrb": 2580}.get(recipe.data, 10_000)
    for key in ("epochs", "seed", "batch_size", "mixed_precision"):
        assert card[key] == getattr(recipe, key)
    assert card["learning_rate" if name in weights.GENERATORS else "peak_learning_rate"] == recipe.lr
    assert {"device", "date", "minutes", "versions"} <= card.keys()


def test_no_file_lies_there_without_a_card():
    expected = {studies.file(name) for name in studies.names()} | {games.FILE, games.FILE.with_suffix(".json")}
    expected |= {defended.FILE, seven_steps.FILE, shifted.FILE}
    expected |= {weights.file(name).with_suffix(suffix) for name in SHIPPED for suffix in (".safetensors", ".json")}
    expected |= {
        crafted.file(name).with_suffix(suffix) for name in crafted.names() for suffix in (".safetensors", ".json")
    }
    assert {file for file in weights.FOLDER.parent.rglob("*") if file.is_file()} == expected
    assert sum(file.stat().st_size for file in expected) < 25e6


def real_images(name: str, n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """n images of the real test set, or a skip where it is not at hand."""
    if data.available()[name] is None:
        pytest.skip(f"{name} is not at hand")
    return data.load(name, "test", n=n)[:2]


def margin(share: float, n: int) -> float:
    """Four standard deviations of the share of successes in n draws."""
    return 4 * math.sqrt(share * (1 - share) / n)


@pytest.mark.parametrize("name", weights.CLASSIFIERS)
def test_accuracy_is_the_card_s(name):
    n = 500 if name.startswith("cifar10") else 2000
    images, labels = real_images(RECIPES[name].data, n)
    stated = weights.card(name)["accuracy"]
    assert abs(training.accuracy(weights.load(name), images, labels) - stated) <= margin(stated, n)


@pytest.mark.parametrize("name", weights.DENOISERS)
def test_what_a_denoiser_leaves_of_noise_is_the_card_s(name):
    images, labels = real_images(RECIPES[name].data, 500)
    card = weights.card(name)
    assert card["error"] < 0.7 * card["error_of_noisy_images"] < 0.7 * 8.1
    found = RECIPES[name].measured(weights.load(name), images, labels)
    for key in ("error", "error_of_noisy_images"):
        assert found[key] == pytest.approx(card[key], rel=0.05)


@pytest.mark.parametrize("name", weights.GENERATORS)
def test_a_generator_is_as_good_as_its_card_says(name):
    """What was measured with the first 2,000 test images after the last epoch is measured again."""
    card, recipe = weights.card(name), GAN_RECIPES[name]
    real_images(recipe.data, 1)
    found = _train_gan.measure_generator(
        weights.load(name), recipe, data.load(recipe.data, "test")[0][: _train_gan.WATCHED]
    )
    for key, value in found.items():
        assert value == pytest.approx(card["history"][key][-1], rel=0.01)
    assert card[f"KL-{recipe.data}-cnn"] < 0.05
    assert sum(weights.file(each).stat().st_size for each in weights.GENERATORS) < 6e6


def under_pgd(name: str, n: int) -> float:
    """As on the cards, on the first n test images."""
    images, labels = real_images("mnist", n)
    model = weights.load(name)
    ball = {"eps": 0.3, "steps": 40, "step_size": 0.01, "random_start": True}
    return training.accuracy(model, pgd(model, images, labels, **ball, generator=seeded(1)), labels)


@pytest.mark.parametrize("name", [name for name, recipe in RECIPES.items() if recipe.eps])
def test_accuracy_under_pgd_is_the_card_s(name):
    card, n = weights.card(name), 200
    assert card["attack"] == "pgd(eps=0.3, steps=40, step_size=0.01, random_start=True)"
    assert abs(under_pgd(name, n) - card["robust_accuracy"]) <= margin(card["robust_accuracy"], n)


def test_the_plain_network_has_none():
    assert under_pgd("mnist/cnn", 100) < 0.05


def test_the_cards_state_what_the_course_relies_on():
    accuracy = {name: weights.card(name)["accuracy"] for name in weights.CLASSIFIERS}
    assert accuracy["mnist/cnn"] >= 0.992
    assert accuracy["fashion-mnist/cnn"] >= 0.92
    assert accuracy["mnist/cnn-robust"] >= 0.98
    assert weights.card("mnist/cnn-robust")["robust_accuracy"] >= 0.92
    assert weights.card("mnist/cnn-trades")["robust_accuracy"] >= 0.9


@pytest.mark.parametrize("content", [b"", b"half"])
def test_a_damaged_file_is_named(content, tmp_path):
    name = "mnist/cnn"
    whole = weights.file(name).read_bytes()
    file = tmp_path / weights.file(name).name
    file.write_bytes(whole[: len(whole) // 2] if content else content)
    (tmp_path / "mnist-cnn.json").write_text(json.dumps(weights.card(name)))
    with pytest.raises(RuntimeError, match=r"mnist-cnn\.safetensors is damaged.*advcourse train mnist/cnn"):
        weights.load(name, folder=tmp_path)
