"""Keras 3: the networks and attacks beside PyTorch's, and the regularisers on three backends beside their formulas."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from tests.keras.setting import CLASSES, SIZE, STEP, batch, weights_like

ROOT = Path(__file__).parents[2]
BACKENDS = ("tensorflow", "jax", "torch")
NORMS = ("l2", "l1", "linf")
NETWORKS = (
    "mnist/cnn",
    "mnist/cnn-robust",
    "mnist/cnn-trades",
    "mnist/cnn-smooth",
    "mnist/cnn-fast",
    "mnist/cnn-cure",
    "mnist/lenet",
    "mnist/fc500-150-10",
    "fashion-mnist/cnn",
    "gtsrb/cnn",
    "cifar10/resnet20",
)
QUICK_XLA = "--xla_backend_optimization_level=0"  # most of the time is compiling

missing = [name for name in ("keras", *BACKENDS) if find_spec(name) is None]
pytestmark = pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)} (extra tf)")


@pytest.fixture(scope="module")
def asked(once):
    """What came out on a backend: one process for each, whose figures all tests share."""

    def answer(backend):
        def run(folder):
            settings = {"KERAS_BACKEND": backend, "XLA_FLAGS": QUICK_XLA, "TF_CPP_MIN_LOG_LEVEL": "3"}
            settings |= {"KERAS_HOME": str(folder), "CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}
            command = [sys.executable, "-m", "tests.keras.worker", str(folder / "found.json")]
            ran = subprocess.run(command, cwd=ROOT, env={**os.environ, **settings}, capture_output=True, text=True)
            (folder / "said").write_text(ran.stderr)

        folder = once(f"keras-{backend}", run)
        if not (folder / "found.json").is_file():
            pytest.fail((folder / "said").read_text()[-3000:])
        return json.loads((folder / "found.json").read_text())

    return answer


def close(first, second, tolerance=1e-5):
    np.testing.assert_allclose(np.asarray(first), np.asarray(second), rtol=tolerance, atol=tolerance)


# -- the same networks


@pytest.mark.parametrize("name", NETWORKS)
def test_the_same_weights_give_the_same_logits_and_adversarial_images(asked, name):
    """In float64, an FGSM step in linf and two targeted steps of PGD in l2."""
    found = asked("tensorflow")["parity"][name]
    assert set(found) == {"logits", "fgsm linf", "pgd l2"}
    assert found.pop("logits") < 2e-6  # the normalisation's two numbers are float32
    assert max(found.values()) < 1e-7, found


def test_every_classifier_is_compared(asked):
    from advcourse.zoo import weights

    assert set(asked("tensorflow")["parity"]) == set(weights.CLASSIFIERS) == set(NETWORKS)


def test_in_single_precision_steps_agree_where_the_gradient_is_clear(asked):
    found = asked("tensorflow")["single"]
    assert found["dtype"] == "float32" and found["clear"] > 0.8
    assert found["logits"] < 1e-4 and found["signs"] < 1e-6


def test_pgd_takes_the_steps_of_the_torch_one(asked):
    assert max(asked("tensorflow")["pgd"].values()) < 1e-7


def test_build_draws_the_weights_that_torch_draws(asked):
    assert asked("tensorflow")["built"] < 1e-5


def test_adversarial_training_learns_and_repeats(asked):
    found = asked("tensorflow")["trained"]
    first, second = found["histories"]
    assert first == second and len(first) == 3 and first[-1] < first[0]
    assert found["step"] < 1e-6


def test_torchvision_may_be_used_beside_tensorflow():
    """Loaded after TensorFlow it ends the process."""
    code = "from advcourse import keras; keras.fgsm; import tensorflow, torchvision.ops; print('alive')"
    settings = {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={**os.environ, **settings}, capture_output=True)
    assert ran.stdout.split() == [b"alive"], ran.stderr[-2000:].decode()


# -- oracles


def softmax_gradient(images, labels, kernel, bias):
    """Of the cross-entropy of a linear model: W (p - y)."""
    logits = images.reshape(len(images), -1) @ kernel + bias
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    return ((p - np.eye(CLASSES)[labels]) @ kernel.T).reshape(images.shape)


def step_of(gradient, norm):
    """The best step of length ``STEP`` against a linear loss, written out for each image."""
    steps = np.zeros_like(gradient)
    for step, slope in zip(steps, gradient, strict=True):
        if norm == "l1":
            place = np.unravel_index(np.abs(slope).argmax(), slope.shape)
            step[place] = np.sign(slope[place])
        else:
            step[...] = np.sign(slope) if norm == "linf" else slope / np.sqrt((slope**2).sum())
    return STEP * steps


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_the_step_of_a_linear_model_is_its_closed_form(asked, backend, norm):
    images, labels, _ = batch()
    kernel, bias = weights_like([("kernel", (SIZE * SIZE, CLASSES)), ("bias", (CLASSES,))], seed=2)
    expected = images + step_of(softmax_gradient(images.astype(float), labels, kernel, bias), norm)
    found = asked(backend)["closed form"][norm]
    close(found["free"], expected, 1e-6)
    close(found["clipped"], expected.clip(0, 1), 1e-6)
    assert found["still"] == 0  # a gradient of zero leaves the image
    assert expected.max() > 1


@pytest.mark.parametrize("backend", BACKENDS)
def test_without_a_multiplier_training_is_that_of_the_model_inside(asked, backend):
    assert asked(backend)["multiplier 0"] == 0


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_further_pass_leaves_the_averages_of_batchnorm(asked, backend):
    found = dict(asked(backend)["statistics"])
    assert found.pop("moved") > 1e-3  # plain training moves them
    assert set(found.values()) == {0.0}, found


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_loss_is_the_sum_and_a_weight_of_zero_leaves_its_image(asked, backend):
    for norm, kinds in asked(backend)["adversarial"].items():
        for kind, found in kinds.items():
            logs = found["logs"]
            close(logs["loss"], logs["supervised_loss"] + 0.5 * logs["adversarial_loss"], 1e-6)
            assert logs["adversarial_loss"] > logs["supervised_loss"]
            moved = np.abs(np.asarray(found["moved"]) - batch()[0]).reshape(8, -1)
            length = {"l2": np.sqrt((moved**2).sum(1)), "l1": moved.sum(1), "linf": moved.max(1)}[norm]
            close(length, np.where((np.arange(8) == 1) & (kind == "weighted"), 0, STEP), 1e-5)


def test_the_losses_are_those_of_arrays(asked):
    """Sample weights multiply each term, and the mean is over the samples."""
    images, labels, weights = batch()
    kernel, bias = weights_like([("kernel", (SIZE * SIZE, CLASSES)), ("bias", (CLASSES,))], seed=2)
    found = asked("torch")["linear"]

    def loss(x):
        logits = x.reshape(len(x), -1) @ kernel + bias
        return np.mean(weights * (np.log(np.exp(logits).sum(1)) - logits[np.arange(len(x)), labels]))

    gradient = softmax_gradient(images.astype(float), labels, kernel, bias)
    moved = images + step_of(gradient, "l2") * (weights > 0)[:, None, None, None]
    close(found["supervised_loss"], loss(images), 1e-6)
    close(found["adversarial_loss"], loss(moved), 1e-6)


# -- three backends


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("backend", BACKENDS[:2])
def test_backends_agree_on_losses_images_and_the_step_of_the_weights(asked, backend, norm):
    ours, theirs = asked(backend)["adversarial"][norm], asked("torch")["adversarial"][norm]
    for kind in ours:
        close(list(ours[kind]["logs"].values()), [theirs[kind]["logs"][name] for name in ours[kind]["logs"]])
        close(ours[kind]["moved"], theirs[kind]["moved"])
        for first, second in zip(ours[kind]["after"], theirs[kind]["after"], strict=True):
            close(first, second)


@pytest.mark.parametrize("backend", BACKENDS[:2])
def test_backends_agree_on_the_graph_and_on_attacks(asked, backend):
    ours, theirs = asked(backend), asked("torch")
    for distance, found in ours["graph"].items():
        close(
            list(found["evaluated"].values()), [theirs["graph"][distance]["evaluated"][k] for k in found["evaluated"]]
        )
        for first, second in zip(found["after"], theirs["graph"][distance]["after"], strict=True):
            close(first, second)
    for name, images in ours["attacked"].items():
        close(images, theirs["attacked"][name])


@pytest.mark.parametrize("backend", BACKENDS)
def test_traced_and_compiled_training_is_that_of_single_steps(asked, backend):
    traced, single = asked(backend)["graph mode"]
    assert set(traced) == {"accuracy", "adversarial_loss", "loss", "supervised_loss"}
    close([traced[name] for name in single], list(single.values()))


@pytest.mark.parametrize("backend", ["tensorflow", "torch"])
def test_every_kind_of_data_gives_the_same_losses(asked, backend):
    found = dict(asked(backend)["data"])
    weighted = [found.pop(name) for name in ("weighted", "other names") if name in found]
    assert len(found) >= 3
    for losses in found.values():
        close(list(losses.values()), list(found["pairs"].values()), 1e-6)
    if weighted:
        assert weighted[0] == weighted[1] and weighted[0]["loss"] != found["pairs"]["loss"]


def test_a_loss_may_be_named_a_function_or_an_object(asked):
    close(asked("torch")["losses"], asked("torch")["losses"][0], 1e-6)


def test_a_model_that_is_built_when_it_is_called(asked):
    names = ["accuracy", "adversarial_loss", "loss", "supervised_loss"]
    expected = {"names": names + [f"val_{name}" for name in names], "variables": 2}
    assert asked("torch")["built late"] == expected


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_saved_model_predicts_the_same_and_goes_on(asked, backend):
    for found in asked(backend)["saved"].values():
        assert found["apart"] < 1e-6
        close(*(list(each.values()) for each in found["after"]), 1e-5)
    config = asked(backend)["saved"]["AdversarialRegularization"]["config"]
    assert (config["multiplier"], config["step_size"], config["norm"], config["clip"]) == (0.3, STEP, "linf", [0, 1])


# -- the graph


def distances(first, second, weights):
    """The mean of each distance over the pairs that count, written out pair by pair."""
    rows = {name: [] for name in ("l2", "l1", "cosine", "kl", "jsd")}
    for a, several, own in zip(first, second, weights, strict=True):
        for b, weight in zip(several, own, strict=True):
            p, q = (np.exp(each) / np.exp(each).sum() for each in (a, b))
            m = (p + q) / 2
            values = {
                "l2": np.mean((a - b) ** 2),
                "l1": np.mean(np.abs(a - b)),
                "cosine": 1 - a @ b / np.sqrt(a @ a * (b @ b)),
                "kl": p @ np.log(p / q),
                "jsd": (p @ np.log(p / m) + q @ np.log(q / m)) / 2,
            }
            for name, value in values.items():
                rows[name].append(weight * value)
    return {name: np.sum(each) / np.count_nonzero(weights) for name, each in rows.items()}


def test_the_distance_to_the_neighbours_is_that_of_every_pair(asked):
    found = asked("torch")
    shown = found["neighbors"]
    expected = distances(*(np.asarray(shown[name]) for name in ("outputs", "of neighbors", "weights")))
    for distance, value in expected.items():
        logs = found["graph"][distance]["evaluated"]
        close(logs["graph_loss"], value, 1e-4)
        close(logs["loss"], logs["supervised_loss"] + 0.5 * logs["graph_loss"], 1e-6)


def test_neighbours_are_the_nearest_by_cosine(asked):
    shown = asked("torch")["neighbors"]
    rows = batch()[0].reshape(8, -1).astype(float)
    rows /= np.sqrt((rows**2).sum(1, keepdims=True))
    cosine = rows @ rows.T - 2 * np.eye(8)
    order = np.argsort(-cosine, axis=1)[:, :2]
    assert shown["index"] == order.tolist()
    close(shown["weights"], np.where(np.sort(cosine)[:, ::-1][:, :2] >= 0.8, np.sort(cosine)[:, ::-1][:, :2], 0), 1e-6)
    assert 0 < np.count_nonzero(shown["weights"]) < 16


# -- what is refused


@pytest.mark.parametrize(
    ("tried", "said"),
    [
        ("norm", "norm is 'l3', expected one of l2, l1, linf"),
        ("multiplier", "multiplier is -1, expected at least 0"),
        ("step_size", "step_size is -1, expected at least 0"),
        ("clip", "clip is (1, 0), expected the lowest and the highest value"),
        ("model", "expected a keras.Model"),
        ("loss", "loss is None, expected one in compile"),
        ("loss of perturb", "loss is None, expected one in compile"),
        ("label", "label 'label' is not among ['feature'], expected it there"),
        ("label beside", "label 'label' is not among the batch, expected it there"),
        ("feature", "feature 'feature' is not among ['image', 'label'], expected it"),
        ("whole numbers", "feature 'feature' has dtype uint8, expected floating point"),
        ("distance", "distance is 'l3', expected one of l2, l1, cosine, kl, jsd"),
        ("neighbors", "'neighbors' is not among ['feature', 'label'], expected it in every batch of training"),
        ("max_neighbors", "max_neighbors is 8, expected fewer than the 8 samples"),
        ("uncompiled", "compile()"),
        ("eps", "eps is -1, expected at least 0"),
        ("norm of pgd", "norm is 'l1', expected one of linf, l2"),
        ("images", "expected [0, 1]"),
        ("labels", "expected integers (8,)"),
        ("targets", "targets is float64 (8,), expected integers (8,)"),
        ("layer", "network holds a Smooth, expected the layers of the course's classifiers"),
    ],
)
def test_bad_input_is_named(asked, tried, said):
    assert said in asked("torch")["refusals"][tried]
