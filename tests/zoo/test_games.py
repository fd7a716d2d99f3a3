"""The study of methods and architectures: its runs, what is kept of one that fails, and the shipped file."""

import hashlib
from dataclasses import replace

import pytest
import torch

from advcourse import data, gan
from advcourse.networks import GAN_ARCHITECTURES
from advcourse.zoo import games
from advcourse.zoo._recipes_gan import GAN_RECIPES, at_rates
from tests.support.digits import stand_for_mnist

SMALL = games.GameSettings(rounds=2, generator_steps=2, batch_size=8, width=2, measured=150)
FEW = {"architectures": ["G of linear layers"], "methods": ["DCGAN", "WGAN-GP"], "curves": 0, "progress": False}


@pytest.fixture
def digits_as_mnist(monkeypatch):
    stand_for_mnist(monkeypatch, 200)


def played(tmp_path, **options):
    return games.make(**FEW | options, settings=SMALL, file=tmp_path / "games.safetensors", runs=tmp_path / "runs")


def test_runs_are_kept_measured_after_each_round_and_not_repeated(digits_as_mnist, monkeypatch, tmp_path):
    card = played(tmp_path)
    loaded = games.load(file=tmp_path / "games.safetensors")
    assert loaded.card == card and loaded.sheets.shape == (2, 16, 1, 28, 28)
    assert 0 <= loaded.sheets.min() < loaded.sheets.max() <= 1
    assert [(run["architecture"], run["method"], run["seed"]) for run in card["runs"]] == [
        ("G of linear layers", "DCGAN", 0),
        ("G of linear layers", "WGAN-GP", 0),
    ]
    for run in card["runs"]:
        assert run["ended"] == "finished" and run["generator_steps"] == [2, 4]
        assert all(len(run[column]) == 2 for column in ("seconds", "distance", "score"))
    monkeypatch.setattr(gan, "fit", None)  # nothing is played again
    assert played(tmp_path)["runs"] == card["runs"]


def test_each_round_sees_the_next_images_and_the_critic_k_times_as_many(digits_as_mnist, monkeypatch, tmp_path):
    seen, steps = [], []
    variant = games.METHODS["WGAN-GP"].make()

    def counted(critic, real, fake, generator=None):
        seen.append(real.detach().clone())
        return variant.critic_loss(critic, real, fake, generator)

    def made(critic, real, fake):
        steps.append(len(fake))
        return variant.generator_loss(critic, real, fake)

    method = games.Method(lambda: replace(variant, critic_loss=counted, generator_loss=made), "layer")
    monkeypatch.setitem(games.METHODS, "WGAN-GP", method)
    played(tmp_path, methods=["WGAN-GP"])
    assert steps == [8] * 4 and len(seen) == 5 * 4
    images = data.load("mnist", "train")[0]
    for number, part in enumerate((seen[:10], seen[10:])):
        wanted = images[(torch.arange(80) + 80 * number) % len(images)]
        found = torch.cat(part)
        assert sorted(found.flatten(1).sum(1).tolist()) == sorted(wanted.flatten(1).sum(1).tolist())


def test_a_run_is_played_at_the_settings_rate(digits_as_mnist, monkeypatch, tmp_path):
    rates, fit = [], gan.fit

    def watched(generator, critic, images, variant, **options):
        rates.append(variant.critic_optimizer(critic.parameters()).defaults["lr"])
        return fit(generator, critic, images, variant, **options)

    monkeypatch.setattr(gan, "fit", watched)
    played(tmp_path, methods=["DCGAN", "WGAN-GP"])
    assert rates == pytest.approx([3 * 2e-4, 3 * 1e-4])


def test_a_run_whose_loss_is_not_finite_is_reported_as_it_is(digits_as_mnist, monkeypatch, tmp_path):
    variant = games.METHODS["DCGAN"].make()

    def broken(critic, real, fake, generator=None):
        return variant.critic_loss(critic, real, fake, generator) * float("nan")

    method = games.Method(lambda: replace(variant, critic_loss=broken), "batch")
    monkeypatch.setitem(games.METHODS, "DCGAN", method)
    (run,) = played(tmp_path, methods=["DCGAN"])["runs"]
    assert run["ended"] == "not finite" and run["score"] == []
    assert games.load(file=tmp_path / "games.safetensors").sheets.max() == 0


def test_the_rates_are_what_is_asked_of_the_variants_own_and_nothing_else_changes():
    for method in games.METHODS.values():
        own, faster = method.make(), at_rates(method.make(), lambda rate: 3 * rate)
        weight = [torch.nn.Parameter(torch.zeros(1))]
        for name in ("critic_optimizer", "generator_optimizer"):
            before, after = getattr(own, name)(weight), getattr(faster, name)(weight)
            assert type(before) is type(after)
            assert after.defaults == before.defaults | {"lr": 3 * before.defaults["lr"]}
    for recipe in GAN_RECIPES.values():
        for name in ("critic_optimizer", "generator_optimizer"):
            assert getattr(recipe.variant(), name)(weight).defaults["lr"] == recipe.lr


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"architectures": ["DCGAN", "VGG"]}, "architectures is 'VGG', expected"),
        ({"methods": ["GAN"]}, "methods is 'GAN', expected"),
        ({"curves": -1}, "curves is -1, expected"),
    ],
)
def test_bad_input_is_refused(given, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        played(tmp_path, **given)


def test_the_shipped_games_are_complete():
    shipped = games.load()
    content = games.FILE.read_bytes()
    assert shipped.card["sha256"] == hashlib.sha256(content).hexdigest() and len(content) < 1e6
    assert shipped.card["command"] == "python -m advcourse study games"
    runs = {(run["architecture"], run["method"], run["seed"]) for run in shipped.card["runs"]}
    four = ("DCGAN", "LSGAN", "WGAN", "WGAN-GP")
    assert {(architecture, method, 0) for architecture in GAN_ARCHITECTURES for method in four} <= runs
    assert {("DCGAN", method, seed) for method in games.METHODS for seed in range(3)} <= runs
    assert len(shipped.sheets) == len(shipped.card["runs"]) == len(runs)
    for run in shipped.card["runs"]:
        assert run["ended"] != "finished" or len(run["score"]) == shipped.card["settings"]["rounds"]
        assert all(1 <= score <= 10 for score in run["score"])
