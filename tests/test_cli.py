"""`python -m advcourse`: what is printed, which files a training leaves, and what is refused."""

import hashlib
import json
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from advcourse import __main__ as cli
from advcourse import data, gan, training
from advcourse.zoo import _recipes, _train, _train_gan, inventory, weights
from advcourse.zoo._recipes_gan import GAN_RECIPES
from tests.support.digits import stand_for_mnist

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture
def digits_as_mnist(monkeypatch):
    """300 small digits in MNIST's shape, at hand under MNIST's name, and short recipes."""

    stand_for_mnist(monkeypatch, 300)
    monkeypatch.setattr(data, "available", lambda: dict.fromkeys(data.NAMES, "here"))
    for name in ("mnist/cnn", "mnist/cnn-robust"):
        monkeypatch.setitem(_recipes.RECIPES, name, replace(_recipes.RECIPES[name], epochs=2))
    monkeypatch.setattr(_train, "ROBUST_STEPS", 3)


def test_info_from_the_shell_names_versions_device_data_and_weights():
    done = subprocess.run([sys.executable, "-m", "advcourse", "info"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    for word in (
        "torch",
        torch.__version__.split("+")[0],
        "device",
        *data.NAMES,
        *weights.ARCHITECTURES,
        *weights.REFERENCES,
    ):
        assert word in done.stdout


def test_info_says_what_is_and_what_is_not_here(capsys, monkeypatch, tmp_path):
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "cifar10_resnet32.safetensors").touch()
    (tmp_path / "gtsrb32.npz").touch()
    monkeypatch.setenv("ADVCOURSE_DATA", str(tmp_path))
    weights.save("mnist/cnn", weights.build("mnist/cnn"), {"accuracy": 0.9876}, tmp_path)
    inventory.info(folder=tmp_path)
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line}
    assert str(tmp_path) in lines["gtsrb"]
    assert "not here" in lines["mnist"]
    assert "bundled" in lines["digits"]
    assert str(tmp_path) in lines["reference/cifar10_resnet32"]
    assert "not here" in lines["reference/cifar10_resnet20"]
    assert "test accuracy 98.76%" in lines["mnist/cnn"]
    assert "python -m advcourse train cifar10/resnet20" in lines["cifar10/resnet20"]


def test_data_describes_a_set(capsys):
    assert cli.main(["data", "digits"]) == 0
    out = capsys.readouterr().out
    images, _, _ = data.load("digits", "train")
    assert f"digits train: images {tuple(images.shape)}" in out
    assert f"{images.mean():.4f} ± {images.std():.4f}" in out
    assert "10 classes" in out
    assert "from: bundled" in out


@pytest.mark.parametrize(
    ("arguments", "known"),
    [
        (["data", "minst"], data.NAMES),
        (["train", "mnist/cn"], tuple(_recipes.RECIPES)),
    ],
)
def test_an_unknown_name_lists_the_known_ones(capsys, arguments, known):
    assert cli.main(arguments) == 2
    error = capsys.readouterr().err
    assert repr(arguments[1]) in error
    assert all(name in error for name in known)


def test_a_set_that_is_not_at_hand_is_an_error_and_no_training(offline, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("ADVCOURSE_DATA", str(tmp_path / "empty"))
    assert cli.main(["data", "cifar10"]) == 2
    assert cli.main(["train", "mnist/cnn", "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.count("error:") == 2
    monkeypatch.delenv("ADVCOURSE_DATA")  # where the digits stand in, nothing is trained on them
    assert cli.main(["train", "mnist/cnn", "--out", str(tmp_path / "out")]) == 2
    assert "mnist is not in" in (error := capsys.readouterr().err) and "no network in this test" in error
    assert not (tmp_path / "out").exists()


def test_train_writes_weights_and_a_card_that_describe_each_other(digits_as_mnist, capsys, tmp_path):
    out = tmp_path / "out"
    assert cli.main(["train", "mnist/cnn-robust", "--epochs", "1", "--device", "cpu", "--out", str(out)]) == 0
    assert "epoch 1: loss" in capsys.readouterr().out
    file, card = out / "mnist-cnn-robust.safetensors", json.loads((out / "mnist-cnn-robust.json").read_text())
    assert card["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert card["bytes"] == file.stat().st_size
    assert card["command"] == "python -m advcourse train mnist/cnn-robust --epochs 1"
    assert card["epochs"] == 1
    assert card["seed"] == 0
    assert card["device"].startswith("cpu")
    assert "eps=0.3" in card["attack"]
    assert card["versions"]["torch"] in torch.__version__

    model = weights.build("mnist/cnn-robust")
    model.load_state_dict(load_file(file))
    images, labels, _ = data.load("mnist", "test")
    assert card["accuracy"] == training.accuracy(model, images, labels)
    assert card["robust_accuracy"] <= card["accuracy"]
    assert _train.measure(model, _recipes.RECIPES["mnist/cnn-robust"], images, labels).items() <= card.items()


def test_train_stopped_and_repeated_goes_on_from_its_checkpoint(digits_as_mnist, monkeypatch, capsys, tmp_path):
    command = ["train", "mnist/cnn", "--device", "cpu"]
    assert cli.main([*command, "--out", str(tmp_path / "whole"), "--checkpoint", str(tmp_path / "whole.pt")]) == 0
    capsys.readouterr()

    def stop(*arguments, on_epoch_end, **options):
        def stopped(model, record):
            if record["epoch"] == 2:
                raise KeyboardInterrupt
            return on_epoch_end(model, record)

        return fit(*arguments, on_epoch_end=stopped, **options)

    fit = training.fit
    out = ["--out", str(tmp_path / "stopped")]
    monkeypatch.setattr(training, "fit", stop)
    assert cli.main([*command, *out]) == 130
    assert "the same command goes on" in capsys.readouterr().err
    assert (tmp_path / "cache" / "checkpoints" / "mnist-cnn.pt").exists()
    assert not (tmp_path / "stopped").exists()
    monkeypatch.setattr(training, "fit", fit)
    assert cli.main([*command, *out]) == 0
    shown = capsys.readouterr().out
    assert "epoch 2: loss" in shown
    assert "epoch 1: loss" not in shown
    whole, stopped = ((tmp_path / folder / "mnist-cnn.safetensors").read_bytes() for folder in ("whole", "stopped"))
    assert whole == stopped

    assert cli.main([*command, *out, "--no-resume"]) == 0
    assert "epoch 1: loss" in capsys.readouterr().out


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_a_device_that_is_not_there_is_named(digits_as_mnist, capsys):
    assert cli.main(["train", "mnist/cnn", "--device", "cuda"]) == 2
    assert "cuda" in capsys.readouterr().err


def test_every_network_of_ours_has_a_recipe_and_every_recipe_a_network():
    networks = {*weights.CLASSIFIERS, *weights.DENOISERS}
    assert _recipes.RECIPES.keys() == networks and GAN_RECIPES.keys() == weights.GENERATORS.keys()
    for name, recipe in _recipes.RECIPES.items():
        assert recipe.data == name.split("/")[0]
    for name, recipe in GAN_RECIPES.items():
        assert name.startswith(f"gan/{recipe.data}-")


def test_a_generator_trains_by_its_recipe_stops_and_goes_on_and_its_card_says_how_good_it_is(
    digits_as_mnist, capsys, monkeypatch, tmp_path
):
    name, few = "gan/mnist-wgan-gp", {"epochs": 2, "batch_size": 100, "critic_steps": 3, "decay": 0.5}
    monkeypatch.setitem(GAN_RECIPES, name, replace(GAN_RECIPES[name], **few))
    asked, fit = [], gan.fit

    def watched(*networks, critic_steps, **options):
        asked.append(critic_steps)
        return fit(*networks, critic_steps=critic_steps, **options)

    monkeypatch.setattr(gan, "fit", watched)
    command = ["train", name, "--device", "cpu"]
    assert cli.main([*command, "--out", str(tmp_path / "whole")]) == 0
    assert asked == [3]
    assert cli.main([*command, "--epochs", "1", "--out", str(tmp_path / "half"), "--checkpoint", f"{tmp_path}/c"]) == 0
    assert cli.main([*command, "--out", str(tmp_path / "on"), "--checkpoint", f"{tmp_path}/c"]) == 0
    file = "gan-mnist-wgan-gp.safetensors"
    whole, half, on = ((tmp_path / folder / file).read_bytes() for folder in ("whole", "half", "on"))
    assert whole == on != half
    card = weights.card(name, tmp_path / "whole")
    assert card["sha256"] == hashlib.sha256(whole).hexdigest()
    assert card["command"] == f"python -m advcourse train {name}" and card["n_real"] == card["n_fake"] == 300
    assert card["variant"] == "WGAN-GP" and card["critic_steps"] == 3 and card["average"] == 0.5
    assert all(len(column) == 2 for column in card["history"].values())
    generator, tests = weights.load(name, folder=tmp_path / "whole"), data.load("mnist", "test")[0]
    assert not generator.training and "FD-mnist-cnn" in capsys.readouterr().out
    found = _train_gan.measure_generator(generator, GAN_RECIPES[name], tests)
    assert found.keys() == {"FD-mnist-cnn", "KL-mnist-cnn", "CS-mnist-cnn", "precision", "recall"}
    assert found.items() <= card.items()
    assert found["KL-mnist-cnn"] == card["history"]["KL-mnist-cnn"][-1]  # it was watched on the same 300 images


def test_the_schedule_is_one_cycle_up_to_the_peak_and_down_to_nearly_nothing():
    recipe = _recipes.RECIPES["cifar10/resnet20"]
    optimizer = recipe.optimizer([torch.nn.Parameter(torch.zeros(1))], lr=recipe.lr)
    schedule = recipe.schedule(optimizer, 100)
    rates = []
    for _ in range(100):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if len(rates) < 100:
            schedule.step()
    assert max(rates) == pytest.approx(recipe.lr)
    assert rates.index(max(rates)) == pytest.approx(100 * recipe.warmup, abs=1.5)
    assert rates[-1] < 1e-4 * recipe.lr
