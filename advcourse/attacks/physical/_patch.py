"""Adversarial patch: a picture that, pasted anywhere into any image, makes the network see its target."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from advcourse.attacks.physical._optimise import descend, draw_rows
from advcourse.core.balls import clip
from advcourse.core.losses import nll
from advcourse.core.running import Model, untouched
from advcourse.core.validation import (
    check_at_least,
    check_at_most,
    check_callable,
    check_choice,
    check_class,
    check_count,
    check_images,
    check_interval,
    check_model,
    check_pair,
)
from advcourse.core.warps import similarity
from advcourse.wrappers import Transform, compose, draw, eot

SHAPES = ("circle", "square")


@dataclass(frozen=True, eq=False)
class Patch:
    """A picture to paste into images, and how it is thrown there.

    Attributes:
        image: ``(C, h, w)`` in [0, 1].
        mask: ``(1, h, w)`` in [0, 1]: where the patch is; 1 covers the image behind it, 0 lets it through.
        max_angle: turned by up to so many degrees, either way.
        scales: the smallest and largest factor of its size; at 1 its pixels are the image's.

    Raises:
        ValueError: for a misshapen or empty patch; the message names the attribute.
    """

    image: Tensor
    mask: Tensor
    max_angle: float = 20.0
    scales: tuple[float, float] = (1.0, 1.0)

    def __post_init__(self) -> None:
        for name, held in (("image", self.image), ("mask", self.mask)):
            if not isinstance(held, Tensor) or held.dim() != 3:
                came = tuple(held.shape) if isinstance(held, Tensor) else type(held).__name__
                raise ValueError(f"{name} is {came}, expected a tensor (channels, h, w)")
            check_images(held[None], name)
        if self.mask.shape != (1, *self.image.shape[1:]):
            expected = (1, *self.image.shape[1:])
            raise ValueError(f"mask has shape {tuple(self.mask.shape)}, expected {expected}, the image's")
        if not self.mask.any():
            raise ValueError("mask is empty, expected at least one pixel that is not 0")
        check_at_least(0, max_angle=self.max_angle)
        check_interval("scales", self.scales, above=0)

    def apply(
        self,
        images: Tensor,
        generator: torch.Generator | None = None,
        *,
        place: tuple[float, float] | None = None,
        angle: float | None = None,
        scale: float | None = None,
    ) -> Tensor:
        """The patch p with its mask m pasted into each image, at a place, angle and scale of the image's own.

        The operator is::

            A(p, x, t) = (1 - t(m)) x + t(m p)

        Differentiable in the images and the patch. All that is not given is drawn: the angle and the scale uniform
        in their ranges, the place uniform among those where nothing sticks out of the image. A patch that is too large
        for that is centred and cut.

        Args:
            images: ``(N, C, H, W)`` in [0, 1].
            generator: draws; without one the global state does.
            place: where the patch's centre goes, ``(x, y)``: to the right and down, in pixels from the centre of the
                first.
            angle: in degrees, counter-clockwise as displayed.
            scale: a factor of the patch's size.

        Returns:
            ``(N, C, H, W)`` in [0, 1].

        Raises:
            ValueError: for bad input; the message names the argument.

        Source: Brown, Mane, Roy, Abadi & Gilmer 2017, arXiv:1712.09665, section 2, the operator A(p, x, l, t).
        """
        check_images(images)
        if images.shape[1] != len(self.image):
            raise ValueError(f"images have {images.shape[1]} channels, expected the patch's {len(self.image)}")
        angles = (-self.max_angle, self.max_angle) if angle is None else (angle, angle)
        scales = self.scales if scale is None else (scale, scale)
        check_pair("angle", angles)
        check_interval("scale", scales, above=0)
        turns, factors = draw(images, *angles, generator), draw(images, *scales, generator)
        mask = self.mask.to(images)
        x, y = (
            _within(length, *reach, draw(images, 0, 1, generator))
            for length, reach in zip(images.shape[:1:-1], _reach(mask[0], turns, factors), strict=True)
        )
        if place is not None:
            check_pair("place", place)
            x, y = torch.full_like(x, place[0]), torch.full_like(y, place[1])
        # The patch is masked before it is resampled: nothing outside the mask bleeds in at its edge.
        both = torch.cat([mask * self.image.to(images), mask])[None]
        dx, dy = x - (images.shape[3] - 1) / 2, y - (images.shape[2] - 1) / 2
        pasted, cover = similarity(both, images.shape[2:], dx, dy, turns, factors).tensor_split([-1], dim=1)
        return clip((1 - cover) * images + pasted)


def _reach(mask: Tensor, angle: Tensor, scale: Tensor) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """How far the turned and scaled mask reaches from its centre: left and right, up and down, each ``(N,)``."""
    down, across = (mask.nonzero().to(angle.dtype) - (angle.new_tensor(mask.shape) - 1) / 2).T
    turn, scale = torch.deg2rad(angle)[:, None], scale[:, None]
    cosine, sine = scale * torch.cos(turn), scale * torch.sin(turn)
    x, y = cosine * across + sine * down, cosine * down - sine * across
    pixel = (cosine.abs() + sine.abs())[:, 0] / 2
    return (pixel - x.amin(1), pixel + x.amax(1)), (pixel - y.amin(1), pixel + y.amax(1))


def _within(length: int, before: Tensor, after: Tensor, share: Tensor) -> Tensor:
    """A place on an axis of so many pixels, from the first (share 0) to the last (share 1) that cuts nothing off."""
    first, last = before - 0.5, length - 0.5 - after
    middle = (first + last) / 2
    return torch.lerp(first.minimum(middle), last.maximum(middle), share)


def patch_mask(size: tuple[int, int], area: float, shape: str = "circle") -> Tensor:
    """The mask ``(1, n, n)`` of a circle or square on ``area`` of an image of that size, to the nearest whole pixels.

    Raises:
        ValueError: for an area that is not in (0, 1], is smaller than a pixel or does not fit into the image.
    """
    check_choice("shape", shape, SHAPES)
    check_at_least(0, area=area)
    check_at_most(1, area=area)
    pixels = area * size[0] * size[1]
    if pixels < 1:
        raise ValueError(f"area is {area}, expected at least one pixel of {size[0] * size[1]}: the patch is empty")
    across = (pixels if shape == "square" else 4 * pixels / torch.pi) ** 0.5
    n = round(across)
    if n > min(size):
        most = min(size) ** 2 / (size[0] * size[1]) * (1 if shape == "square" else torch.pi / 4)
        raise ValueError(f"area is {area}, expected at most {most:.3g}: a larger {shape} sticks out of the image")
    off = torch.arange(n, dtype=torch.float64) + 0.5 - n / 2
    if shape == "square":
        return torch.ones(1, n, n)
    return (off[:, None] ** 2 + off**2 <= across**2 / 4).float()[None]


def _start(init: Tensor, images: Tensor, mask: Tensor) -> Tensor:
    shape = (images.shape[1], *mask.shape[1:])
    if not isinstance(init, Tensor) or init.shape != shape:
        came = tuple(init.shape) if isinstance(init, Tensor) else type(init).__name__
        raise ValueError(f"init is {came}, expected a tensor {shape}: the images' channels and the area's pixels")
    check_images(init[None], "init")
    return init.detach().to(images, copy=True)


def patch(
    model: Model,
    images: Tensor,
    *,
    target: int,
    area: float,
    shape: str = "circle",
    max_angle: float = 20.0,
    scales: tuple[float, float] = (1.0, 1.0),
    transform: Transform | None = None,
    steps: int = 500,
    step_size: float = 0.05,
    batch_size: int = 16,
    samples: int = 1,
    init: Tensor | None = None,
    generator: torch.Generator | None = None,
    progress: bool = False,
) -> Patch:
    """Adversarial patch: a picture that the network takes for its target wherever and in whatever image it lies.

    It solves::

        p̂ = argmax_{p∈[0,1]} 𝔼_{x,t}[log Pr(ŷ | A(p, x, t))]

    with A of ``Patch.apply``: no norm bounds the patch, it is masked instead. Adam on the pixels, clamped to
    [0, 1] after every step; each step draws ``batch_size`` images and, for each, ``samples`` places, angles and scales.
    Costs ``steps * batch_size * samples`` rows forward and backward.

    Args:
        model: maps images to logits ``(N, K)``; runs in the mode it is in.
        images: to learn on, ``(N, C, H, W)`` in [0, 1]. Their labels play no part; leave out those of the target.
        target: the class to reach.
        area: the share of an image's pixels that the patch covers at scale 1, in (0, 1].
        shape: ``"circle"`` or ``"square"``.
        max_angle: turned by up to so many degrees, either way.
        scales: the smallest and largest factor of the patch's size.
        transform: what happens to the image with the patch in it, ``(images, generator) -> images``: a light, noise.
        steps: of Adam.
        step_size: Adam's learning rate, in pixel units of [0, 1].
        batch_size: images per step, without repetition; all where there are fewer.
        samples: draws per image and step.
        init: ``(C, n, n)`` to start from, grey where it is not given.
        generator: draws images, places, angles, scales; the global random state is then left as it was.
        progress: show a progress bar on stdout, with the loss of the last step.

    Returns:
        The ``Patch``, without a graph, of the images' precision and on their device.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Brown, Mane, Roy, Abadi & Gilmer 2017, arXiv:1712.09665, section 2.
    """
    check_images(images)
    check_model(model, images)
    check_class(target=target)
    check_count(steps=steps, batch_size=batch_size, samples=samples)
    check_at_least(0, step_size=step_size)
    if transform is not None:
        check_callable(transform=transform)
    with untouched(model, images, generator):
        images = images.detach()
        mask = patch_mask((images.shape[2], images.shape[3]), area, shape).to(images)
        pixels = (
            images.new_full((images.shape[1], *mask.shape[1:]), 0.5) if init is None else _start(init, images, mask)
        )
        pixels.requires_grad_()
        result = Patch(pixels, mask, max_angle, scales)
        scene = eot(model, compose(result.apply, *([transform] if transform else [])), samples, generator=generator)

        def loss() -> Tensor:
            rows = draw_rows(images, batch_size, generator)
            scores = scene(images[rows])
            check_class(scores.shape[1], target=target)
            return nll(scores, torch.full_like(rows, target)).mean()

        descend(pixels, loss, steps=steps, step_size=step_size, progress=progress)
    return Patch(pixels.detach(), mask, max_angle, scales)
