"""Smooth activations in the place of ReLU."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from advcourse.core.validation import check_choice

Activation = Callable[[Tensor], Tensor]
RELUS = (F.relu, F.relu_, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_)


def softplus(x: Tensor, sharpness: float = 10.0) -> Tensor:
    """``log(1 + exp(α x)) / α``, which is ReLU for large α."""
    return F.softplus(x, beta=sharpness)


def smooth_relu(x: Tensor, sharpness: float = 3.0) -> Tensor:
    """``x - log(1 + α x) / α`` where x is positive, else 0: once differentiable, and zero where ReLU is."""
    positive = x.clamp_min(0)
    return positive - torch.log1p(sharpness * positive) / sharpness


SMOOTH_ACTIVATIONS: dict[str, Activation] = {
    "silu": F.silu,
    "gelu": F.gelu,
    "elu": F.elu,
    "softplus": softplus,
    "smooth_relu": smooth_relu,
}


class Smooth(nn.Module):
    """A network in whose forward pass another function stands for every ReLU; made by ``smooth``."""

    def __init__(self, network: nn.Module, activation: str | Activation):
        super().__init__()
        self.network = network
        self.activation = activation

    def forward(self, images: Tensor) -> Tensor:
        function = self.activation if callable(self.activation) else SMOOTH_ACTIVATIONS[self.activation]
        with _Instead(function) as swapped:
            logits: Tensor = self.network(images)
        if not swapped.count:
            raise ValueError(f"network is a {type(self.network).__name__} that ran no ReLU, expected one to replace")
        return logits


def smooth(network: nn.Module, activation: str | Activation = "silu") -> Smooth:
    """A copy of a network with a smooth function for every ReLU, of modules and of functions, wherever it is called.

    Its gradient does not jump, so that the attacks inside adversarial training find harder images. The weights are
    copied; they are to be trained, since they were made for ReLU.

    Args:
        network: maps images to logits.
        activation: ``"silu"`` (swish), ``"gelu"``, ``"elu"``, ``"softplus"`` (α = 10), ``"smooth_relu"`` (α = 3), or a
            function of a tensor.

    Raises:
        ValueError: for another activation; in use, for a network that runs no ReLU.

    Source: Xie et al. 2020, arXiv:2006.14536, section 4.
    """
    if not callable(activation):
        check_choice("activation", activation, tuple(SMOOTH_ACTIVATIONS))
    return Smooth(copy.deepcopy(network), activation)


class _Instead(TorchFunctionMode):
    def __init__(self, function: Activation):
        super().__init__()
        self.function, self.count = function, 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in RELUS:
            self.count += 1
            return self.function(args[0] if args else kwargs["input"])
        return func(*args, **(kwargs or {}))
