"""Generators and critics: of latents to images in [0, 1] or points, and of those to one number each."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn

from advcourse.core.validation import check_choice, check_count, check_flag

NORMALISATIONS: dict[str, Callable[[int], nn.Module]] = {
    "batch": nn.BatchNorm2d,
    "layer": partial(nn.GroupNorm, 1),
    "none": lambda channels: nn.Identity(),
}


class Gate(nn.Module):
    """Half of the channels times the logistic function of the other half, ``a · σ(b)``."""

    def forward(self, x: Tensor) -> Tensor:
        a, b = x.chunk(2, dim=1)
        return a * b.sigmoid()


ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky": partial(nn.LeakyReLU, 0.2),
    "tanh": nn.Tanh,
    "gated": Gate,
}


def _doublings(size: int) -> tuple[int, int]:
    """The side from which a generator starts, 7 or 4, and how often it doubles."""
    if isinstance(size, int):
        for start in (4, 7):
            doublings = (size // start).bit_length() - 1
            if doublings > 0 and start << doublings == size:
                return start, doublings
    raise ValueError(f"size is {size!r}, expected 4 or 7 doubled once or more: 28, 32, 64, …")


class ToPixels(nn.Module):
    """``(tanh(x) + 1) / 2``: pixels in (0, 1)."""

    def forward(self, x: Tensor) -> Tensor:
        return (x.tanh() + 1) / 2


class FromPixels(nn.Module):
    """``2 x - 1``: from [0, 1] to [-1, 1]."""

    def forward(self, x: Tensor) -> Tensor:
        return 2 * x - 1


class DCGANGenerator(nn.Sequential):
    """Transposed convolutions that double the side each, from latents ``(N, latent)`` to images.

    Args:
        size: height and width of the images: 28, 32, 64, …
        channels: of the images.
        latent: length of a latent.
        width: channels before the last convolution, twice as many at each halving of the side.
        norm: ``"batch"``, ``"layer"`` or ``"none"``.
        activation: ``"relu"``, ``"leaky"``, ``"tanh"`` or ``"gated"``.
        constant: as many channels at every side.

    Source: Radford, Metz & Chintala 2015, arXiv:1511.06434, section 3; the variants: Gulrajani et al. 2017,
    arXiv:1704.00028, figure 2.
    """

    def __init__(
        self,
        size: int = 28,
        channels: int = 1,
        latent: int = 100,
        width: int = 64,
        *,
        norm: str = "batch",
        activation: str = "relu",
        constant: bool = False,
    ):
        _check_convolutional(channels, width, norm, activation, latent=latent)
        check_flag(constant=constant)
        start, doublings = _doublings(size)
        widths = [width if constant else width << i for i in reversed(range(doublings))]
        before = [latent, *widths]
        layers: list[nn.Module] = [nn.Unflatten(1, (latent, 1, 1))]
        for i, wide in enumerate(widths):
            out = 2 * wide if activation == "gated" else wide
            sides, stride, padding = (4, 2, 1) if i else (start, 1, 0)
            layers += [nn.ConvTranspose2d(before[i], out, sides, stride, padding), NORMALISATIONS[norm](out)]
            layers += [ACTIVATIONS[activation]()]
        super().__init__(*layers, nn.ConvTranspose2d(widths[-1], channels, 4, 2, 1), ToPixels())
        self.latent = latent


class DCGANCritic(nn.Sequential):
    """Convolutions that halve the side each, from images in [0, 1] to one number each, ``(N,)``.

    Args:
        size, channels, width, norm, activation, constant: as in ``DCGANGenerator``; a critic with a gradient penalty
            is normalised by ``"layer"`` or ``"none"``.

    Source: as ``DCGANGenerator``; layer normalisation: Gulrajani et al. 2017, arXiv:1704.00028, section 4.
    """

    def __init__(
        self,
        size: int = 28,
        channels: int = 1,
        width: int = 64,
        *,
        norm: str = "batch",
        activation: str = "leaky",
        constant: bool = False,
    ):
        _check_convolutional(channels, width, norm, activation)
        check_flag(constant=constant)
        start, doublings = _doublings(size)
        widths = [width if constant else width << i for i in range(doublings)]
        layers: list[nn.Module] = [FromPixels()]
        for i, (before, wide) in enumerate(zip([channels, *widths], widths, strict=False)):
            out = 2 * wide if activation == "gated" else wide
            layers += [nn.Conv2d(before, out, 4, 2, 1), NORMALISATIONS[norm if i else "none"](out)]
            layers += [ACTIVATIONS[activation]()]
        super().__init__(*layers, nn.Conv2d(widths[-1], 1, start), nn.Flatten(0))


class MLPGenerator(nn.Sequential):
    """Linear layers and ReLU, from latents to images in [0, 1], or to points where the shape is ``(d,)``.

    Args:
        shape: of an image, ``(C, H, W)``, or of a point.
        latent: length of a latent.
        width: units of each hidden layer.
        depth: hidden layers.

    Source: Gulrajani et al. 2017, arXiv:1704.00028, figure 2: 4 layers of 512 units.
    """

    def __init__(self, shape: Sequence[int], latent: int = 100, width: int = 512, depth: int = 4):
        check_count(latent=latent)
        super().__init__(*_linear(latent, width, depth, math.prod(shape)), nn.Unflatten(1, tuple(shape)))
        if len(shape) == 3:
            self.append(ToPixels())
        self.latent = latent


class MLPCritic(nn.Sequential):
    """Linear layers and ReLU, from images in [0, 1] or points to one number each, ``(N,)``; see ``MLPGenerator``."""

    def __init__(self, shape: Sequence[int], width: int = 512, depth: int = 4):
        before = [FromPixels()] if len(shape) == 3 else []
        super().__init__(*before, nn.Flatten(), *_linear(math.prod(shape), width, depth, 1), nn.Flatten(0))


def _linear(before: int, width: int, depth: int, after: int) -> list[nn.Module]:
    check_count(width=width, depth=depth)
    layers: list[nn.Module] = []
    for i in range(depth):
        layers += [nn.Linear(width if i else before, width), nn.ReLU()]
    return [*layers, nn.Linear(width, after)]


class _Residual(nn.Module):
    """norm, ReLU, convolution, twice, beside a shortcut; the side doubled, halved or kept by ``scale``."""

    def __init__(self, before: int, after: int, norm: str, scale: float = 1.0):
        super().__init__()
        self.scale = scale
        self.norms = nn.ModuleList([NORMALISATIONS[norm](before), NORMALISATIONS[norm](after)])
        self.first, self.second = nn.Conv2d(before, after, 3, padding=1), nn.Conv2d(after, after, 3, padding=1)
        self.shortcut = nn.Identity() if before == after and scale == 1 else nn.Conv2d(before, after, 1)

    def forward(self, x: Tensor) -> Tensor:
        if self.scale > 1:
            x = F.interpolate(x, scale_factor=2, mode="nearest")
        inner = self.first(self.norms[0](x).relu())
        whole = self.second(self.norms[1](inner).relu()) + self.shortcut(x)
        return F.avg_pool2d(whole, 2) if self.scale < 1 else whole


class ResNetGenerator(nn.Sequential):
    """Residual blocks that double the side each, from latents to images in [0, 1].

    Args:
        size, channels, latent, norm: as in ``DCGANGenerator``.
        width: channels of every block.
        deeper: further blocks at every side: 0 in the paper's for CIFAR-10; many make the very deep one of its figure.

    Source: Gulrajani et al. 2017, arXiv:1704.00028, appendix: the residual networks for CIFAR-10; at the end of a block
    comes what the paper averages inside it.
    """

    def __init__(
        self,
        size: int = 32,
        channels: int = 3,
        latent: int = 128,
        width: int = 128,
        *,
        norm: str = "batch",
        deeper: int = 0,
    ):
        _check_convolutional(channels, width, norm, "relu", latent=latent)
        check_count(at_least=0, deeper=deeper)
        start, doublings = _doublings(size)
        layers: list[nn.Module] = [nn.Linear(latent, width * start**2), nn.Unflatten(1, (width, start, start))]
        for _ in range(doublings):
            layers += [_Residual(width, width, norm, 2), *(_Residual(width, width, norm) for _ in range(deeper))]
        end = [NORMALISATIONS[norm](width), nn.ReLU(), nn.Conv2d(width, channels, 3, padding=1), ToPixels()]
        super().__init__(*layers, *end)
        self.latent = latent


class ResNetCritic(nn.Sequential):
    """Residual blocks that halve the side, a mean over the places, and one number for each image, ``(N,)``.

    Args:
        size, channels, width, deeper: as in ``ResNetGenerator``.
        norm: ``"layer"`` or ``"none"`` under a gradient penalty.

    Source: as ``ResNetGenerator``.
    """

    def __init__(self, size: int = 32, channels: int = 3, width: int = 128, *, norm: str = "layer", deeper: int = 0):
        _check_convolutional(channels, width, norm, "relu")
        check_count(at_least=0, deeper=deeper)
        _, doublings = _doublings(size)
        layers: list[nn.Module] = [FromPixels(), nn.Conv2d(channels, width, 3, padding=1)]
        for _ in range(min(doublings, 2)):
            layers += [_Residual(width, width, norm, 0.5), *(_Residual(width, width, norm) for _ in range(deeper))]
        layers += [_Residual(width, width, norm), nn.ReLU()]
        super().__init__(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 1), nn.Flatten(0))


def _check_convolutional(channels: int, width: int, norm: str, activation: str, latent: int = 1) -> None:
    check_count(channels=channels, width=width, latent=latent)
    check_choice("norm", norm, tuple(NORMALISATIONS))
    check_choice("activation", activation, tuple(ACTIVATIONS))


Pair = tuple[nn.Module, nn.Module]
GAN_ARCHITECTURES: dict[str, Callable[[int, int, int, str, int], Pair]] = {
    "DCGAN": lambda s, c, w, n, d: (DCGANGenerator(s, c, width=w), DCGANCritic(s, c, w, norm=n)),
    "G plain, of constant width": lambda s, c, w, n, d: (
        DCGANGenerator(s, c, width=w, norm="none", constant=True),
        DCGANCritic(s, c, w, norm=n),
    ),
    "G of linear layers": lambda s, c, w, n, d: (MLPGenerator((c, s, s)), DCGANCritic(s, c, w, norm=n)),
    "no normalisation": lambda s, c, w, n, d: (
        DCGANGenerator(s, c, width=w, norm="none"),
        DCGANCritic(s, c, w, norm="none"),
    ),
    "gates": lambda s, c, w, n, d: (
        DCGANGenerator(s, c, width=w, activation="gated"),
        DCGANCritic(s, c, w, norm=n, activation="gated"),
    ),
    "tanh": lambda s, c, w, n, d: (
        DCGANGenerator(s, c, width=w, activation="tanh"),
        DCGANCritic(s, c, w, norm=n, activation="tanh"),
    ),
    "deep ResNet": lambda s, c, w, n, d: (
        ResNetGenerator(s, c, 100, w, deeper=d),
        ResNetCritic(s, c, w, norm=n, deeper=d),
    ),
}
"""The seven of the architecture figure: ``(size, channels, width, critic's norm, deeper) -> (generator, critic)``."""


def gan_networks(
    architecture: str, size: int = 28, channels: int = 1, width: int = 64, *, norm: str = "batch", deeper: int = 8
) -> Pair:
    """An untrained generator and its critic, from PyTorch's global generator.

    Args:
        architecture: of ``GAN_ARCHITECTURES``.
        size, channels, width: as in ``DCGANGenerator``.
        norm: of the critic where it has one; ``"layer"`` or ``"none"`` under a gradient penalty.

        deeper: of the residual networks, as in ``ResNetGenerator``.

    Raises:
        ValueError: unknown architecture, sizes that it does not have.

    Source: Gulrajani et al. 2017, arXiv:1704.00028, figure 2. Its residual networks have 101 layers; these have some 40
    at 28 pixels.
    """
    check_choice("architecture", architecture, tuple(GAN_ARCHITECTURES))
    return GAN_ARCHITECTURES[architecture](size, channels, width, norm, deeper)
