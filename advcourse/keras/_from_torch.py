"""The course's classifiers in Keras, with the weights of PyTorch's."""

from __future__ import annotations

import copy
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from torch import Tensor, nn

from advcourse.defenses import Smooth
from advcourse.networks import BasicBlock, CifarResNet, Normalized


def from_torch(network: nn.Module, shape: tuple[int, int, int]) -> Any:
    """The Keras model that computes what a classifier of the course computes, with its weights.

    Images are channels-last. What the two frameworks do differently is done as PyTorch does it: padding is the same on
    both sides, also before a stride; what is flattened is turned to channels-first before, so that the linear layer
    behind it keeps its weights; BatchNorm has PyTorch's ε, and the complement of its momentum. Two differences are left
    and show in training alone: Keras averages the biased variance where PyTorch averages the unbiased, and draws other
    random numbers for dropout.

    Args:
        network: of ``networks``: made of ``Normalized``, ``CifarResNet``, ``BasicBlock``, ``nn.Sequential`` and
            PyTorch's convolution, linear layer, BatchNorm, ReLU, SiLU, max-pooling, dropout and flattening; or one of
            ``defenses.smooth(…, "silu")`` whose ReLUs are modules.
        shape: of an image, ``(H, W, C)``.

    Returns:
        A functional ``keras.Model``, images ``(N, H, W, C)`` in [0, 1] to logits, in the network's precision.

    Raises:
        ValueError: for a layer that is none of these; the message names it.
    """
    dtype = str(next(network.parameters()).dtype).removeprefix("torch.")
    images = keras.Input(shape, dtype=dtype, name="feature")
    return keras.Model(images, _applied(network, images, dtype))


def _applied(module: nn.Module, x: Any, dtype: str) -> Any:
    """What a module makes of ``x``."""
    match module:
        case Normalized():
            mean, std = (each.flatten().tolist() for each in (module.mean, module.std))
            scale, offset = [1 / s for s in std], [-m / s for m, s in zip(mean, std, strict=True)]
            return _applied(module.network, layers.Rescaling(scale, offset, dtype=dtype)(x), dtype)
        case Smooth(activation="silu") if not any(isinstance(each, BasicBlock) for each in module.modules()):
            return _applied(_with_silu(module.network), x, dtype)
        case nn.Sequential():
            for each in module:
                x = _applied(each, x, dtype)
            return x
        case CifarResNet():
            x = layers.ReLU(dtype=dtype)(_in_turn(x, dtype, module.conv1, module.bn1))
            x = _in_turn(x, dtype, module.layer1, module.layer2, module.layer3)
            return _applied(module.linear, layers.GlobalAveragePooling2D(dtype=dtype)(x), dtype)
        case BasicBlock():
            return _block(module, x, dtype)
        case nn.Conv2d():
            return _convolution(module, x, dtype)
        case nn.Linear():
            return _with(layers.Dense(module.out_features, dtype=dtype), x, module.weight.T, module.bias)
        case nn.BatchNorm2d():
            norm = layers.BatchNormalization(epsilon=module.eps, momentum=1 - (module.momentum or 0), dtype=dtype)
            return _with(norm, x, module.weight, module.bias, module.running_mean, module.running_var)
        case nn.ReLU():
            return layers.ReLU(dtype=dtype)(x)
        case nn.SiLU():
            return layers.Activation("silu", dtype=dtype)(x)
        case nn.MaxPool2d():
            return layers.MaxPooling2D(module.kernel_size, module.stride, dtype=dtype)(x)
        case nn.Dropout():
            return layers.Dropout(module.p, dtype=dtype)(x)
        case nn.Flatten():
            return layers.Flatten(dtype=dtype)(layers.Permute((3, 1, 2), dtype=dtype)(x))
    raise ValueError(f"network holds a {type(module).__name__}, expected the layers of the course's classifiers")


def _with_silu(network: nn.Module) -> nn.Module:
    """A copy whose modules of ReLU are SiLU."""
    network = copy.deepcopy(network)
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.ReLU):
                setattr(module, name, nn.SiLU())
    return network


def _in_turn(x: Any, dtype: str, *modules: nn.Module) -> Any:
    return _applied(nn.Sequential(*modules), x, dtype)


def _with(layer: Any, x: Any, *weights: Tensor | None) -> Any:
    """A layer's answer, once it has these weights."""
    out = layer(x)
    layer.set_weights([np.asarray(each.detach().cpu()) for each in weights if each is not None])
    return out


def _convolution(conv: nn.Conv2d, x: Any, dtype: str) -> Any:
    if any(conv.padding):
        x = layers.ZeroPadding2D(conv.padding, dtype=dtype)(x)
    layer = layers.Conv2D(conv.out_channels, conv.kernel_size, conv.stride, use_bias=conv.bias is not None, dtype=dtype)
    return _with(layer, x, conv.weight.permute(2, 3, 1, 0), conv.bias)


def _block(block: BasicBlock, x: Any, dtype: str) -> Any:
    """A residual block whose shortcut takes every second pixel and pads the channels with zeros."""
    out = layers.ReLU(dtype=dtype)(_in_turn(x, dtype, block.conv1, block.bn1))
    out = _in_turn(out, dtype, block.conv2, block.bn2)
    if block.padding:
        x = layers.MaxPooling2D(1, block.stride, dtype=dtype)(x)
        x = ops.pad(x, [[0, 0], [0, 0], [0, 0], [block.padding, block.padding]])
    return layers.ReLU(dtype=dtype)(layers.Add(dtype=dtype)([out, x]))
