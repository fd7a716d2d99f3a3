"""Runs the regularisers and attacks on the backend that ``KERAS_BACKEND`` names; prints what came out as JSON.

One process for each backend: Keras reads the variable when it is imported. Steps, gradients and files are made on all
of them; what no backend can change (names, refusals, more distances) on PyTorch's alone, which starts and traces
fastest.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

import torchvision  # noqa: F401 (before TensorFlow: see the room's docstring)

if os.environ["KERAS_BACKEND"] != "tensorflow":
    sys.modules["tensorflow"] = None  # as where it is not installed: Keras looks for it when it saves

import keras
import numpy as np
from keras import ops

from advcourse import defenses
from advcourse.keras import AdversarialRegularization, GraphRegularization, fgsm, from_torch, pgd, with_neighbors
from advcourse.networks import StridedCNN
from tests.keras.setting import CLASSES, STEP, batch, linear, smooth

BACKEND = keras.backend.backend()
EVERYTHING = BACKEND == "torch"
NORMS = ("l2", "l1", "linf")
DISTANCES = ("l2",) if BACKEND == "jax" else ("l2", "l1", "cosine", "kl", "jsd")


def entropy():
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def compiled(model, rate=0.1, eagerly=True, loss=None):
    eager = {"run_eagerly": True, "jit_compile": False} if eagerly else {}
    model.compile(keras.optimizers.SGD(rate, momentum=0.9), loss=loss or entropy(), metrics=["accuracy"], **eager)
    return model


def averages(model):
    return [np.asarray(ops.convert_to_numpy(each)) for each in model.non_trainable_variables if "moving" in each.path]


def farthest(first, second):
    return max(float(np.abs(np.asarray(a) - np.asarray(b)).max()) for a, b in zip(first, second, strict=True))


def fitted(model, *data, **options):
    """The model's last losses."""
    history = model.fit(*data, epochs=1, verbose=0, **options).history
    return {name: values[-1] for name, values in history.items()}


def adversarial(norm):
    """A step from given weights, without and with sample weights."""
    images, labels, weights = batch()
    found = {}
    kinds = {"plain": (images, labels)} | ({"weighted": (images, labels, weights)} if norm == "l2" else {})
    for name, data in kinds.items():
        model = compiled(AdversarialRegularization(smooth(), multiplier=0.5, step_size=STEP, norm=norm))
        moved = model.perturb_on_batch(*data)
        logs = model.train_on_batch(*data, return_dict=True)
        after = [each.tolist() for each in model.base_model.get_weights()]
        found[name] = {"moved": moved.tolist(), "logs": {k: float(v) for k, v in logs.items()}, "after": after}
    return found


def closed_form(norm):
    """Perturbed inputs of a linear model: free, clipped to the box, and of one whose gradient is zero."""
    images, labels, _ = batch()
    found = {}
    for name, clip in {"free": None, "clipped": (0, 1)}.items():
        model = AdversarialRegularization(linear(), step_size=STEP, norm=norm, clip=clip)
        found[name] = compiled(model).perturb_on_batch({"feature": images, "label": labels})["feature"].tolist()
    flat = linear()
    flat.set_weights([0 * each for each in flat.get_weights()])
    still = compiled(AdversarialRegularization(flat, step_size=STEP, norm=norm)).perturb_on_batch(images, labels)
    return found | {"still": float(np.abs(still - images).max())}


def multiplier_of_zero():
    """Weights after two steps beside those of the model inside, trained alone."""
    images, labels, _ = batch(16)
    plain, around = compiled(smooth()), compiled(AdversarialRegularization(smooth(), multiplier=0))
    for model in (plain, around):
        fitted(model, images, labels, batch_size=8, shuffle=False)
    return farthest(plain.get_weights(), around.base_model.get_weights())


def statistics():
    """BatchNorm's averages after two steps at rate zero beside those of the model alone."""
    held = with_neighbors(*batch(16)[:2], max_neighbors=2)
    plain = compiled(smooth(), rate=0.0)
    fitted(plain, held["feature"], held["label"], batch_size=8, shuffle=False)
    found = {"moved": farthest(averages(plain), averages(smooth()))}
    for kind in (AdversarialRegularization, GraphRegularization)[: 2 if EVERYTHING else 1]:
        model = compiled(kind(smooth(), multiplier=5.0), rate=0.0)
        model.evaluate(held, verbose=0, batch_size=8)
        found[f"{kind.__name__} evaluated"] = farthest(averages(model), averages(smooth()))
        fitted(model, held, batch_size=8, shuffle=False)
        found[kind.__name__] = farthest(averages(model), averages(plain))
    return found


def data_of_every_kind():
    """Losses of an epoch from pairs, dictionaries, other names, and the backend's own way."""
    images, labels, weights = batch(16)

    def losses(*data, **names):
        model = compiled(AdversarialRegularization(smooth(), step_size=STEP, **names))
        own = {} if len(data) == 1 and not isinstance(data[0], dict) else {"batch_size": 8}
        return fitted(model, *data, shuffle=False, **own)

    held = {"feature": images, "label": labels, "sample_weight": weights}
    found = {
        "pairs": losses(images, labels),
        "dictionary": losses({"feature": images, "label": labels}),
    }
    if EVERYTHING:
        found["weighted"] = losses(held)
        other = {"x": images, "y": labels, "w": weights}
        found["other names"] = losses(other, feature="x", label="y", sample_weight="w")
    if BACKEND == "tensorflow":
        import tensorflow as tf

        found["tf.data"] = losses(tf.data.Dataset.from_tensor_slices({"feature": images, "label": labels}).batch(8))
        found["tf.data pairs"] = losses(tf.data.Dataset.from_tensor_slices((images, labels)).batch(8))
    if BACKEND == "torch":
        import torch
        from torch.utils.data import DataLoader, TensorDataset

        pairs = TensorDataset(torch.from_numpy(images), torch.from_numpy(labels))
        found["DataLoader"] = losses(DataLoader(pairs, batch_size=8))
    return found


class Subclassed(keras.Model):
    """A model without an input, whose layers are built when it is first called."""

    def __init__(self):
        super().__init__()
        self.inside = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(CLASSES)])

    def call(self, x):
        return self.inside(x)


def built_late():
    """That a model without a shape is trained, with validation on a dictionary and weights for the classes."""
    images, labels, _ = batch()
    model = compiled(AdversarialRegularization(Subclassed()))
    held = {"feature": images, "label": labels}
    before = fitted(model, images, labels, class_weight={0: 1.0, 1: 2.0, 2: 0.5}, validation_data=held)
    return {"names": sorted(before), "variables": len(model.base_model.trainable_variables)}


def losses_by_name():
    """One loss as a string, as a function and as an object, on a model that ends in probabilities."""
    images, labels, _ = batch()
    found = []
    for loss in (
        "sparse_categorical_crossentropy",
        keras.losses.sparse_categorical_crossentropy,
        keras.losses.SparseCategoricalCrossentropy(),
    ):
        model = keras.Sequential([smooth(), keras.layers.Softmax()])
        around = compiled(AdversarialRegularization(model, step_size=STEP), loss=loss)
        found.append(float(around.test_on_batch(images, labels, return_dict=True)["loss"]))
    return found


def graph(distance):
    images, labels, _ = batch()
    held = with_neighbors(images, labels, max_neighbors=3, min_similarity=0.8)
    logits = distance in ("kl", "jsd")
    model = compiled(
        GraphRegularization(smooth(), multiplier=0.5, distance=distance, max_neighbors=2, from_logits=logits)
    )
    found = {"evaluated": {k: float(v) for k, v in model.test_on_batch(held, return_dict=True).items()}}
    model.train_on_batch(held)
    return found | {"after": [each.tolist() for each in model.base_model.get_weights()]}


def pairs():
    """The neighbours of the graph's batch and the outputs of both; the logs of a weighted batch of a linear model."""
    images, labels, weights = batch()
    held = with_neighbors(images, labels, max_neighbors=2, min_similarity=0.8)
    rows = images.reshape(8, -1)
    index = [[int(np.abs(rows - each.reshape(1, -1)).sum(1).argmin()) for each in own] for own in held["neighbors"]]
    outputs = smooth()(images, training=False)
    shown = {
        "index": index,
        "weights": held["neighbor_weights"].tolist(),
        "outputs": np.asarray(ops.convert_to_numpy(outputs)).tolist(),
        "of neighbors": np.asarray(ops.convert_to_numpy(outputs))[np.array(index)].tolist(),
    }
    model = compiled(AdversarialRegularization(linear(), step_size=STEP))
    logs = model.test_on_batch(images, labels, sample_weight=weights, return_dict=True)
    return {"neighbors": shown, "linear": {name: float(value) for name, value in logs.items()}}


def saved():
    """Predictions before and after the file, and the losses of the epoch that follows, of both regularisers."""
    held, found = with_neighbors(*batch(16)[:2], max_neighbors=2), {}
    adversarial = AdversarialRegularization(smooth(), multiplier=0.3, step_size=STEP, norm="infinity", clip=(0, 1))
    graph = GraphRegularization(smooth(), multiplier=0.3, distance="jsd", max_neighbors=2)
    for model in (adversarial, graph)[: 2 if EVERYTHING else 1]:
        fitted(compiled(model), held, batch_size=8, shuffle=False)
        with tempfile.TemporaryDirectory() as folder:
            model.save(Path(folder) / "model.keras")
            again = keras.models.load_model(Path(folder) / "model.keras")
        first, second = (each.predict(held["feature"], verbose=0, batch_size=8) for each in (model, again))
        apart = farthest([first], [second])
        after = [fitted(each, held, batch_size=8, shuffle=False) for each in (model, again)]
        same = {name: value for name, value in again.get_config().items() if name not in ("model", "name", "dtype")}
        found[type(model).__name__] = {"apart": apart, "after": after, "config": same}
    return found


def in_graph_mode():
    """The losses of an epoch, traced or compiled, as the backend does it by itself, and eagerly."""
    images, labels, _ = batch(16)
    models = [compiled(AdversarialRegularization(smooth(), step_size=STEP), eagerly=each) for each in (False, True)]
    return [fitted(each, images, labels, batch_size=8, shuffle=False) for each in models]


def refusals():
    images, labels, _ = batch()
    held = {"feature": images, "label": labels}
    model = AdversarialRegularization
    graphs = compiled(GraphRegularization(smooth()))
    fresh = model(smooth())
    fresh.compile("sgd")
    tries = {
        "norm": lambda: model(smooth(), norm="l3"),
        "multiplier": lambda: model(smooth(), multiplier=-1),
        "step_size": lambda: model(smooth(), step_size=-1),
        "clip": lambda: model(smooth(), clip=(1, 0)),
        "model": lambda: model(np.sum),
        "loss": lambda: fresh.train_on_batch(images, labels),
        "loss of perturb": lambda: fresh.perturb_on_batch(images, labels),
        "label": lambda: compiled(model(smooth())).train_on_batch({"feature": images}),
        "label beside": lambda: compiled(model(smooth())).train_on_batch(images),
        "feature": lambda: compiled(model(smooth())).train_on_batch({"image": images, "label": labels}),
        "whole numbers": lambda: compiled(model(smooth())).perturb_on_batch((255 * images).astype("uint8"), labels),
        "distance": lambda: GraphRegularization(smooth(), distance="l3"),
        "neighbors": lambda: graphs.train_on_batch(held),
        "max_neighbors": lambda: with_neighbors(images, labels, max_neighbors=8),
        "uncompiled": lambda: model(smooth()).fit(images, labels),
        "eps": lambda: fgsm(smooth(), images, labels, eps=-1),
        "norm of pgd": lambda: pgd(smooth(), images, labels, eps=1, norm="l1"),
        "images": lambda: pgd(smooth(), 2 * images, labels, eps=1),
        "labels": lambda: fgsm(smooth(), images, labels[:3], eps=1),
        "targets": lambda: fgsm(smooth(), images, labels, eps=1, targets=labels / 2),
        "layer": lambda: from_torch(defenses.smooth(StridedCNN(), "gelu"), (28, 28, 1)),
    }
    found = {}
    for name, attempt in tries.items():
        try:
            attempt()
            found[name] = "nothing was refused"
        except ValueError as error:
            found[name] = str(error)
    return found


def attacked():
    images, labels, _ = batch()
    goal = (labels + 1) % 3
    model = smooth()
    found = {"pgd": pgd(model, images, labels, eps=0.5, norm="l2", steps=3, targets=goal).tolist()}
    return found if BACKEND == "jax" else {**found, "fgsm": fgsm(model, images, labels, eps=0.1).tolist()}


def main():
    found = {
        "backend": BACKEND,
        "adversarial": {norm: adversarial(norm) for norm in NORMS},
        "closed form": {norm: closed_form(norm) for norm in NORMS},
        "multiplier 0": multiplier_of_zero(),
        "statistics": statistics(),
        "graph": {distance: graph(distance) for distance in DISTANCES},
        "saved": saved(),
        "graph mode": in_graph_mode(),
        "attacked": attacked(),
    }
    if EVERYTHING:
        found |= pairs()
    if BACKEND != "jax":
        found["data"] = data_of_every_kind()
    if EVERYTHING:
        found |= {"losses": losses_by_name(), "built late": built_late(), "refusals": refusals()}
    if BACKEND == "tensorflow":
        from tests.keras import parity

        found |= parity.found()
    Path(sys.argv[1]).write_text(json.dumps(found))


if __name__ == "__main__":
    main()
