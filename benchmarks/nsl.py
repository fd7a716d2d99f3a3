"""Adversarial and graph regularisation beside the old package: ``python -m benchmarks.nsl --packages FOLDER``.

The folder holds neural-structured-learning 1.4.0 and tf_keras 2.21.0, which are no dependencies of the course::

    pip install --no-deps --target FOLDER neural-structured-learning==1.4.0 tf_keras==2.21.0

Each side is a process of its own, the old one with ``TF_USE_LEGACY_KERAS=1`` and an empty module in the place of
``tensorflow.estimator``, which the old package imports and TensorFlow 2.21 no longer has. Same weights, same batch.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import types
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.report import table

NORMS = ("l2", "l1", "infinity")
OLD_NAMES = {"l2": "l2", "l1": "l1", "cosine": "cosine", "kl": "kl_divergence", "jsd": "jensen_shannon_divergence"}
DISTANCES = tuple(OLD_NAMES)
MODELS = ("smooth", "BatchNorm")
MULTIPLIER, STEP, RATE, CLASSES = 0.2, 0.05, 0.1, 3
Found = dict[str, dict[str, Any]]
HEAD = ("model, norm", "total loss, old", "ours", "adversarial loss, old", "ours", "inputs apart", "weights apart")
GRAPH_HEAD = ("distance", "old", "ours", "apart")


def batch() -> tuple[np.ndarray, np.ndarray]:
    """Sixteen images of 8 x 8 pixels, and their labels."""
    draw = np.random.default_rng(0)
    return draw.random((16, 8, 8, 1)).astype("float32"), draw.integers(0, CLASSES, 16)


def outputs() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities of pairs and the weights of the pairs, one of them zero."""
    draw = np.random.default_rng(1)
    first, second = (draw.dirichlet(np.ones(CLASSES), 12).astype("float32") for _ in range(2))
    weights = draw.uniform(0.2, 1, 12).astype("float32")
    weights[3] = 0
    return first, second, weights


def network(layers: Any, sequential: Any, given: Any, kind: str) -> Any:
    """The same small network by either Keras, its weights drawn from one stream in the order of the layers."""
    norm = [layers.BatchNormalization()] if kind == "BatchNorm" else []
    head = [layers.Flatten(), layers.Dense(CLASSES, activation="softmax")]
    model = sequential([given, layers.Conv2D(4, 3, activation="tanh"), *norm, *head])
    draw = np.random.default_rng(2)
    model.set_weights([draw.uniform(0.05, 0.6, each.shape).astype("float32") for each in model.get_weights()])
    return model


def old(packages: str) -> Found:
    """What the old package makes of it."""
    import tensorflow as tf

    tf.estimator = sys.modules["tensorflow.estimator"] = types.SimpleNamespace(Estimator=object)  # type: ignore
    sys.path.append(packages)
    import neural_structured_learning as nsl  # type: ignore

    found, (images, labels) = {}, batch()
    for kind in MODELS:
        for norm in NORMS:
            config = nsl.configs.make_adv_reg_config(multiplier=MULTIPLIER, adv_step_size=STEP, adv_grad_norm=norm)
            base = network(tf.keras.layers, tf.keras.Sequential, tf.keras.Input((8, 8, 1), name="feature"), kind)
            model = nsl.keras.AdversarialRegularization(base, label_keys=["label"], adv_config=config)
            model.compile(tf.keras.optimizers.SGD(RATE), "sparse_categorical_crossentropy")
            held = {"feature": images, "label": labels}
            moved = model.perturb_on_batch(held)["feature"]
            logs = model.evaluate(held, batch_size=16, verbose=0, return_dict=True)
            model.fit(held, batch_size=16, shuffle=False, verbose=0)
            adversarial = logs["scaled_adversarial_loss"] / MULTIPLIER
            found[f"{kind}, {norm}"] = shown(logs["loss"], adversarial, moved, base.get_weights())
    first, second, weights = outputs()
    for name in DISTANCES:
        config = nsl.configs.DistanceConfig(OLD_NAMES[name], sum_over_axis=-1 if name in DISTANCES[2:] else None)
        value = nsl.lib.pairwise_distance_wrapper(
            tf.constant(first), tf.constant(second), tf.constant(weights[:, None]), config
        )
        found[name] = {"value": float(value)}
    return found


def ours() -> Found:
    """What ``advcourse.keras`` makes of it."""
    import keras

    from advcourse.keras import AdversarialRegularization, GraphRegularization

    found, (images, labels) = {}, batch()
    for kind in MODELS:
        for norm in NORMS:
            base = network(keras.layers, keras.Sequential, keras.Input((8, 8, 1), name="feature"), kind)
            model = AdversarialRegularization(base, multiplier=MULTIPLIER, step_size=STEP, norm=norm)
            model.compile(keras.optimizers.SGD(RATE), "sparse_categorical_crossentropy")
            held = {"feature": images, "label": labels}
            moved = model.perturb_on_batch(held)["feature"]
            logs = model.evaluate(held, batch_size=16, verbose=0, return_dict=True)
            model.fit(held, batch_size=16, shuffle=False, verbose=0)
            found[f"{kind}, {norm}"] = shown(logs["loss"], logs["adversarial_loss"], moved, base.get_weights())
    first, second, weights = outputs()
    same = keras.Sequential([keras.Input((CLASSES,)), keras.layers.Identity()])
    held = {"feature": first, "neighbors": second[:, None], "neighbor_weights": weights[:, None]}
    for name in DISTANCES:
        model = GraphRegularization(same, distance=name, from_logits=False)
        model.compile(loss="mse")
        logs = model.test_on_batch({**held, "label": first}, return_dict=True)
        found[name] = {"value": float(logs["graph_loss"])}
    return found


def shown(loss: float, adversarial: float, moved: np.ndarray, weights: list[np.ndarray]) -> dict[str, Any]:
    return {
        "loss": float(loss),
        "adversarial": float(adversarial),
        "moved": np.asarray(moved).tolist(),
        "weights": np.concatenate([each.ravel() for each in weights]).tolist(),
    }


def apart(first: Found, second: Found, row: str, what: str) -> str:
    """The largest difference."""
    return f"{np.abs(np.asarray(first[row][what]) - np.asarray(second[row][what])).max():.0e}"


def tables(before: Found, now: Found) -> str:
    rows = []
    for row in [each for each in now if each not in DISTANCES]:
        sides = [f"{side[row][what]:.6f}" for what in ("loss", "adversarial") for side in (before, now)]
        rows.append([row, *sides, *(apart(before, now, row, what) for what in ("moved", "weights"))])
    graph = [
        [row, f"{before[row]['value']:.6f}", f"{now[row]['value']:.6f}", apart(before, now, row, "value")]
        for row in DISTANCES
    ]
    return f"{table(HEAD, rows)}\n\n{table(GRAPH_HEAD, graph)}"


def asked(side: str, packages: str) -> Found:
    """The figures of a side, from a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "found.json"
        command = [sys.executable, "-m", "benchmarks.nsl", "--packages", packages, "--side", side, "--into", str(file)]
        legacy = {"TF_USE_LEGACY_KERAS": "1"} if side == "old" else {}
        subprocess.run(command, check=True, env={**os.environ, "KERAS_BACKEND": "tensorflow", **legacy})
        return json.loads(file.read_text())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.nsl", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--packages", required=True, help="the folder with the old package")
    parser.add_argument("--side", choices=("old", "ours"), help="one side alone, into a file")
    parser.add_argument("--into", type=Path, help="that file")
    options = parser.parse_args()
    if options.side:
        found = old(options.packages) if options.side == "old" else ours()
        options.into.write_text(json.dumps(found))
    else:
        print(tables(*(asked(side, options.packages) for side in ("old", "ours"))))


if __name__ == "__main__":
    main()
