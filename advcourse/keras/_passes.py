"""A pass through a Keras model that changes nothing, and the gradient with respect to its input, on every backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops


def unchanged_call(model: Any, x: Any, training: bool = False) -> Any:
    """The model's outputs; what the pass would change (BatchNorm's averages, seeds, added losses) is thrown away."""
    held = [(variable, variable.value) for variable in model.variables]
    with keras.StatelessScope(state_mapping=held, collect_losses=True):
        return model(x, training=training)


def gradient_at(function: Callable[[Any], tuple[Any, Any]], x: Any) -> tuple[Any, Any]:
    """Gradient at ``x`` of the scalar that a function returns first, and what it returns second.

    The gradient is constant to whatever differentiates around it, and zero where it is not finite or where nothing
    leads from the scalar to ``x``.
    """
    gradient, other = {"tensorflow": _by_tensorflow, "jax": _by_jax, "torch": _by_torch}[keras.backend.backend()](
        function, x
    )
    gradient = ops.where(ops.isfinite(gradient), gradient, ops.zeros_like(gradient))
    return ops.stop_gradient(gradient), other


def _by_tensorflow(function: Callable[[Any], tuple[Any, Any]], x: Any) -> tuple[Any, Any]:
    import tensorflow as tf

    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        scalar, other = function(x)
    return tape.gradient(scalar, x, unconnected_gradients=tf.UnconnectedGradients.ZERO), other


def _by_jax(function: Callable[[Any], tuple[Any, Any]], x: Any) -> tuple[Any, Any]:
    import jax

    return jax.grad(function, has_aux=True)(x)


def _by_torch(function: Callable[[Any], tuple[Any, Any]], x: Any) -> tuple[Any, Any]:
    import torch

    with torch.enable_grad():
        x = x.detach().requires_grad_()
        scalar, other = function(x)
        if not scalar.requires_grad:
            return torch.zeros_like(x), other
        return torch.autograd.grad(scalar, x, allow_unused=True, materialize_grads=True)[0], other
