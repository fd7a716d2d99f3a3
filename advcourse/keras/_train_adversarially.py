"""Adversarial training, as a loop with TensorFlow's tape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from advcourse.core.validation import check_count


def train_adversarially(
    model: Any,
    images: np.ndarray,
    labels: np.ndarray,
    *,
    attack: Callable[..., Any],
    epochs: int = 1,
    batch_size: int = 128,
    optimizer: Any = None,
    seed: int = 0,
) -> list[float]:
    """Adversarial training of a Keras model, batch by batch: attack, forward, backward, step.

    It minimises::

        E ℓ(f(x̃), y),   x̃ = attack(f, x, y)

    The attack sees the model with ``training=False``; the step is taken with ``training=True``.

    Args:
        model: a Keras model that maps images to logits; trained in place.
        images: ``(N, H, W, C)`` in [0, 1], an array.
        labels: integers ``(N,)``, an array.
        attack: ``(model, images, labels) -> adversarial images``: ``functools.partial(keras.pgd, eps=0.3)``, say.
        epochs: times through the images.
        batch_size: of a step; the last of an epoch may be smaller.
        optimizer: of Keras; Adam with its own rate where it is not given.
        seed: of the order of the images, the same whatever ran before.

    Returns:
        The mean loss at the adversarial images, for each epoch.

    Raises:
        ValueError: for bad input, and where Keras's backend is not TensorFlow.

    Source: Madry et al. 2018, arXiv:1706.06083, equation 2.1; the loop with ``tf.GradientTape`` is the deck's.
    """
    if keras.backend.backend() != "tensorflow":
        raise ValueError(f"KERAS_BACKEND is {keras.backend.backend()!r}, expected 'tensorflow': the loop is its tape's")
    check_count(epochs=epochs, batch_size=batch_size)
    if len(images) != len(labels) or not len(images):
        raise ValueError(f"images and labels are {len(images)} and {len(labels)}, expected as many of each, and some")
    import tensorflow as tf

    optimizer = keras.optimizers.Adam() if optimizer is None else optimizer
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    order, history = np.random.default_rng(seed), []
    for _ in range(epochs):
        losses = []
        for rows in np.array_split(order.permutation(len(images)), range(batch_size, len(images), batch_size)):
            adversarial = ops.convert_to_tensor(attack(model, images[rows], labels[rows]))
            with tf.GradientTape() as tape:
                loss = cross_entropy(labels[rows], model(adversarial, training=True))
            gradients = tape.gradient(loss, model.trainable_variables)
            optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
            losses.append(float(loss) * len(rows))
        history.append(sum(losses) / len(images))
    return history
