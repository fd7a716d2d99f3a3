"""Random transforms ``(images, generator) -> images``, differentiable, every image with a draw of its own.

They stand for what happens to a picture between the attacker and the network: it is moved, turned, seen from
nearer or farther, in another light, through a noisy camera. ``eot`` averages over them.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from advcourse.core.balls import clip
from advcourse.core.validation import check_at_least, check_at_most, check_callable, check_interval
from advcourse.core.warps import similarity

Transform = Callable[[Tensor, torch.Generator | None], Tensor]


def draw(images: Tensor, low: float, high: float, generator: torch.Generator | None = None) -> Tensor:
    """One number per image, ``(N,)``, uniform in [low, high]."""
    device = images.device if generator is None else generator.device
    uniform = torch.rand(len(images), generator=generator, dtype=images.dtype, device=device)
    return uniform.to(images.device).mul_(high - low).add_(low)


def random_rigid(max_shift: float = 0.0, max_angle: float = 0.0, scales: tuple[float, float] = (1.0, 1.0)) -> Transform:
    """Shifts, turns about the centre and changes of size, each uniform; black comes in from outside.

    Args:
        max_shift: in pixels, either way along both axes.
        max_angle: in degrees, either way.
        scales: the smallest and the largest factor.
    """
    check_at_least(0, max_shift=max_shift, max_angle=max_angle)
    check_interval("scales", scales, above=0)

    def transform(images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        dx, dy = (draw(images, -max_shift, max_shift, generator) for _ in range(2))
        angle, scale = draw(images, -max_angle, max_angle, generator), draw(images, *scales, generator)
        return clip(similarity(images, images.shape[2:], dx, dy, angle, scale))

    return transform


def random_lighting(brightness: float = 0.0, contrast: float = 0.0) -> Transform:
    """Another light: clamp(c (x - ½) + ½ + b, 0, 1), b and c uniform.

    Args:
        brightness: b is in [-brightness, brightness], in pixel units of [0, 1].
        contrast: c is in [1 - contrast, 1 + contrast]; at most 1.
    """
    check_at_least(0, brightness=brightness, contrast=contrast)
    check_at_most(1, contrast=contrast)

    def transform(images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        b = draw(images, -brightness, brightness, generator)[:, None, None, None]
        c = draw(images, 1 - contrast, 1 + contrast, generator)[:, None, None, None]
        return clip(c * (images - 0.5) + 0.5 + b)

    return transform


def random_noise(std: float) -> Transform:
    """A camera's noise: Gaussian, of standard deviation ``std`` in pixel units of [0, 1], clamped to the box."""
    check_at_least(0, std=std)

    def transform(images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        device = images.device if generator is None else generator.device
        noise = torch.randn(images.shape, generator=generator, dtype=images.dtype, device=device)
        return clip(images + std * noise.to(images.device))

    return transform


def compose(*transforms: Transform) -> Transform:
    """One transform after the other, in the order given."""
    for each in transforms:
        check_callable(transform=each)

    def transform(images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        for each in transforms:
            images = each(images, generator)
        return images

    return transform
