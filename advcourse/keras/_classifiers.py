"""The course's trained classifiers as Keras models, by name."""

from __future__ import annotations

from typing import Any

from advcourse.keras._from_torch import from_torch
from advcourse.zoo import weights

IMAGE_SHAPES = {"mnist": (28, 28, 1), "fashion-mnist": (28, 28, 1), "cifar10": (32, 32, 3), "gtsrb": (32, 32, 3)}


def _known(name: str) -> str:
    if name not in weights.CLASSIFIERS:
        raise ValueError(f"name is {name!r}, expected one of {', '.join(weights.CLASSIFIERS)}")
    return name


def build(name: str) -> Any:
    """The untrained classifier of that name as a Keras model, initialised as ``zoo.weights.build`` does it."""
    return from_torch(weights.build(_known(name)), IMAGE_SHAPES[name.partition("/")[0]])


def load(name: str) -> Any:
    """A classifier of the course as a Keras model, with the weights that ``models.load`` gives the PyTorch network.

    Args:
        name: one of ``zoo.weights.CLASSIFIERS``, as ``"mnist/cnn"``.

    Returns:
        A functional ``keras.Model``: images ``(N, H, W, C)`` in [0, 1] to logits ``(N, classes)``, its normalisation
        inside. It can be trained on, saved and loaded as any other.

    Raises:
        ValueError: for an unknown name (the message lists the known ones).
        FileNotFoundError: where the weights are not at hand.
    """
    return from_torch(weights.load(_known(name)), IMAGE_SHAPES[name.partition("/")[0]])
