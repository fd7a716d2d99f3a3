"""The networks that this project trains, by name, with fresh random weights."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from advcourse.defenses import DenoisingAutoencoder, smooth
from advcourse.networks import (
    CifarResNet,
    DCGANGenerator,
    FullyConnected,
    LeNet,
    Normalized,
    SignCNN,
    SmallCNN,
    StridedCNN,
)

CLASSIFIERS: dict[str, Callable[[], Normalized]] = {
    "mnist/cnn": lambda: Normalized(SmallCNN(), (0.1307,), (0.3081,)),
    "mnist/cnn-robust": lambda: Normalized(StridedCNN(), (0.0,), (1.0,)),
    "mnist/cnn-trades": lambda: Normalized(StridedCNN(), (0.0,), (1.0,)),
    "mnist/cnn-smooth": lambda: Normalized(smooth(StridedCNN(), "silu"), (0.0,), (1.0,)),
    "mnist/cnn-fast": lambda: Normalized(StridedCNN(), (0.0,), (1.0,)),
    "mnist/cnn-cure": lambda: Normalized(StridedCNN(), (0.0,), (1.0,)),
    "mnist/lenet": lambda: Normalized(LeNet(), (0.1307,), (0.3081,)),
    "mnist/fc500-150-10": lambda: Normalized(FullyConnected(784, 500, 150, 10), (0.1307,), (0.3081,)),
    "fashion-mnist/cnn": lambda: Normalized(SmallCNN(), (0.2860,), (0.3530,)),
    "gtsrb/cnn": lambda: Normalized(SignCNN(), (0.3436, 0.3199, 0.3308), (0.2735, 0.2665, 0.2722)),
    "cifar10/resnet20": lambda: Normalized(CifarResNet(3), (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
}
"""Those that map images to logits; each entry builds one with fresh random weights."""

DENOISERS: dict[str, Callable[[], nn.Module]] = {"cifar10/denoiser": lambda: DenoisingAutoencoder(3, width=16)}
"""Those that map images to images."""

GENERATORS: dict[str, Callable[[], nn.Module]] = {
    "gan/fashion-mnist-dcgan": lambda: DCGANGenerator(width=32),
    "gan/fashion-mnist-wgan-gp": lambda: DCGANGenerator(width=32),
    "gan/mnist-wgan-gp": lambda: DCGANGenerator(width=32),
}
"""Those that map latents ``(N, 100)`` to images."""

ARCHITECTURES: dict[str, Callable[[], nn.Module]] = {**CLASSIFIERS, **DENOISERS, **GENERATORS}
"""Networks this project trains, by name."""


def build(name: str) -> nn.Module:
    """The untrained network of that name, initialised from PyTorch's global generator."""
    if name not in ARCHITECTURES:
        raise ValueError(f"name is {name!r}, expected a network that this project trains: {', '.join(ARCHITECTURES)}")
    return ARCHITECTURES[name]()
