"""Robust physical perturbations (RP2): stickers on an object that make the network see its target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict, Unpack

import torch
from torch import Tensor

from advcourse.attacks.physical._optimise import descend, draw_rows
from advcourse.core.balls import clip
from advcourse.core.losses import nll
from advcourse.core.running import Model, untouched
from advcourse.core.validation import check_at_least, check_class, check_count, check_flag, check_images, check_model
from advcourse.wrappers import compose, eot, random_lighting, random_rigid


def check_mask(mask: Tensor, images: Tensor) -> None:
    """A mask of the images' height and width, ``(1, H, W)`` or ``(H, W)``, of zeros and ones and not only zeros."""
    if not isinstance(mask, Tensor):
        raise ValueError(f"mask is a {type(mask).__name__}, expected a tensor (1, H, W)")
    if tuple(mask.shape) not in ((1, *images.shape[2:]), tuple(images.shape[2:])):
        raise ValueError(f"mask has shape {tuple(mask.shape)}, expected {(1, *images.shape[2:])}: the images'")
    if not ((mask == 0) | (mask == 1)).all():
        raise ValueError("mask holds other values than 0 and 1, expected a binary mask")
    if not mask.any():
        raise ValueError("mask is empty, expected at least one pixel that is 1")


def printable_colours(levels: int = 5, spread: float = 0.6) -> Tensor:
    """A palette ``(P, 3)`` that a printer is taken to reach: neither black nor white nor saturated colours.

    All triples of evenly spaced levels from 0.1 to 0.9 whose largest and smallest differ by at most ``spread``. It
    stands in for a real printer's palette, which one measures by printing a chart of colours and photographing it.
    """
    check_count(levels=levels)
    steps = torch.linspace(0.1, 0.9, levels)
    triples = torch.cartesian_prod(steps, steps, steps)
    return triples[triples.amax(1) - triples.amin(1) <= spread + 1e-6]


def non_printability(image: Tensor, mask: Tensor, palette: Tensor) -> Tensor:
    """Mean distance of the masked pixels to the nearest printable colour, ``min_{q∈P} ‖p - q‖₂``.

    Sharif et al. 2016 multiply the distances to all of P instead, which is zero for the same pictures, but
    underflows and loses its gradient for a palette of more than a few colours. The minimum is that of Thys, Van Ranst
    & Goedeme 2019, arXiv:1904.08653, section 3.

    Args:
        image: ``(C, H, W)``.
        mask: ``(1, H, W)``, 0 or 1.
        palette: ``(P, C)``.
    """
    pixels = image[:, mask[0] > 0].T
    nearest = palette[torch.cdist(pixels.detach(), palette).argmin(1)]
    square = (pixels - nearest).square().sum(1)
    return torch.where(square > 0, square.clamp_min(1e-12).sqrt(), 0.0).mean()


def total_variation(image: Tensor, mask: Tensor) -> Tensor:
    """Sum of absolute differences between neighbours that both lie in the mask, per pixel of the mask."""
    down = (image.diff(dim=1).abs() * (mask[:, 1:] * mask[:, :-1])).sum()
    right = (image.diff(dim=2).abs() * (mask[:, :, 1:] * mask[:, :, :-1])).sum()
    return (down + right) / mask.sum()


def bars(height: int, width: int, *, length: float = 0.5, thickness: float = 0.125, offset: float = 0.25) -> Tensor:
    """The mask ``(1, height, width)`` of two horizontal bars, above and below the middle of a sign.

    Args:
        height, width: of the images.
        length: of a bar, as a share of the width.
        thickness: as a share of the height.
        offset: of each bar's middle from that of the image, as a share of the height.

    Source: the layout of the black and white stickers of Eykholt et al. 2018, arXiv:1707.08945, figure 1.
    """
    check_count(height=height, width=width)
    check_at_least(0, length=length, thickness=thickness, offset=offset)
    across = (torch.arange(width) + 0.5 - width / 2).abs() <= length * width / 2
    down = ((torch.arange(height) + 0.5 - height / 2).abs() - offset * height).abs() <= thickness * height / 2
    mask = (down[:, None] & across).float()[None]
    if not mask.any():
        raise ValueError(f"thickness is {thickness} and length {length}, expected bars of at least one pixel")
    return mask


class Photograph(TypedDict, total=False):
    """How an object is photographed: attributes of a ``Sticker``."""

    max_shift: float
    max_angle: float
    scales: tuple[float, float]
    brightness: float
    contrast: float


@dataclass(frozen=True, eq=False)
class Sticker:
    """A print that is stuck on an object, and how the object is then photographed.

    Attributes:
        image: ``(C, H, W)`` in [0, 1], the print; it lies on images of that size.
        mask: ``(1, H, W)``, 1 where it covers the object and 0 elsewhere.
        light: mean brightness of what it covers, for which the print shows its own colours. On an object whose covered
            part is darker or brighter, the print is so by the same factor, as it lies in the same light.
            ``None``: no adaptation.
        max_shift: the photograph is shifted by up to so many pixels,
        max_angle: turned by up to so many degrees,
        scales: and scaled by a factor between these two.
        brightness, contrast: its light, as in ``wrappers.random_lighting``.

    Raises:
        ValueError: for a mask that is misshapen, empty or not binary; the message names the attribute.
    """

    image: Tensor
    mask: Tensor
    light: float | None = None
    max_shift: float = 2.0
    max_angle: float = 15.0
    scales: tuple[float, float] = (0.9, 1.1)
    brightness: float = 0.15
    contrast: float = 0.25

    def __post_init__(self) -> None:
        check_images(self.image[None], "image")
        check_mask(self.mask, self.image[None])

    def stick(self, images: Tensor) -> Tensor:
        """The print on each object, ``(N, C, H, W)``: nothing changes outside the mask. Differentiable in the print."""
        check_images(images)
        if images.shape[1:] != self.image.shape:
            raise ValueError(
                f"images has shape {tuple(images.shape)}, expected (N, {', '.join(map(str, self.image.shape))})"
            )
        mask, image = self.mask.to(images), self.image.to(images)[None]
        if self.light is not None:
            image = clip(image * (covered_brightness(images, mask) / self.light)[:, None, None, None])
        return torch.where(mask > 0, image, images)

    def photograph(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Each image in a pose and a light of its own; it shows what the network makes of them without a sticker."""
        pose = random_rigid(self.max_shift, self.max_angle, self.scales)
        return compose(pose, random_lighting(self.brightness, self.contrast))(images, generator)

    def apply(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """The print on each object, photographed in a random pose and light: ``(N, C, H, W)`` in [0, 1]."""
        return self.photograph(self.stick(images), generator)


def covered_brightness(images: Tensor, mask: Tensor) -> Tensor:
    """Mean of each image over the mask, ``(N,)``."""
    return (images * mask).sum((1, 2, 3)) / (mask.sum() * images.shape[1])


def sticker(
    model: Model,
    images: Tensor,
    mask: Tensor,
    *,
    target: int,
    palette: Tensor | None = None,
    printable: float = 0.5,
    smooth: float = 0.1,
    same_light: bool = True,
    steps: int = 300,
    step_size: float = 0.03,
    batch_size: int = 32,
    samples: int = 2,
    generator: torch.Generator | None = None,
    progress: bool = False,
    **photograph: Unpack[Photograph],
) -> Sticker:
    """RP2: the print inside a mask that the network takes for its target on any object, in any pose and light.

    It solves::

        argmin_{s∈[0,1]} 𝔼_{x,t}[-log Pr(ŷ | t((1 - m) x + m s))] + λ₁ NPS(s) + λ₂ TV(s)

    NPS is the non-printability score and TV the total variation, both over the mask m; t moves object and sticker
    together. Adam on the pixels, clamped to [0, 1] after every step. Costs ``steps * batch_size * samples`` rows
    forward and backward. The paper adds a perturbation to the object's image and bounds its norm; here the mask alone
    bounds it, and a print covers what is under it.

    Args:
        model: maps images to logits ``(N, K)``; runs in the mode it is in.
        images: of objects of one kind, in one place of the image, ``(N, C, H, W)`` in [0, 1].
        mask: ``(1, H, W)`` or ``(H, W)``, 1 where the sticker is and 0 elsewhere, as ``bars`` makes it.
        target: the class to reach.
        palette: printable colours ``(P, C)``; ``printable_colours`` where it is not given.
        printable: λ₁, per unit of mean distance to the palette.
        smooth: λ₂, per unit of mean variation.
        same_light: whether the print is as dark or bright as the object it lies on (``Sticker``, ``light``).
        steps: of Adam.
        step_size: Adam's learning rate, in pixel units of [0, 1].
        batch_size: images per step, without repetition; all where there are fewer.
        samples: poses and lights per image and step.
        generator: draws images, poses and lights; the global random state is then left as it was.
        progress: show a progress bar on stdout, with the loss.
        photograph: ``max_shift``, ``max_angle``, ``scales``, ``brightness``, ``contrast`` of the ``Sticker``.

    Returns:
        The ``Sticker``, without a graph; outside the mask its image is zero.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Eykholt et al. 2018, arXiv:1707.08945, equation 3; the non-printability score is Sharif et al. 2016's
    (CCS, "Accessorize to a crime"), the total variation that of Mahendran & Vedaldi 2015, arXiv:1412.0035.
    """
    check_images(images)
    check_model(model, images)
    check_mask(mask, images)
    check_class(target=target)
    check_flag(same_light=same_light)
    check_count(steps=steps, batch_size=batch_size, samples=samples)
    check_at_least(0, printable=printable, smooth=smooth, step_size=step_size)
    palette = printable_colours() if palette is None else palette
    if not isinstance(palette, Tensor) or palette.shape[1:] != images.shape[1:2] or len(palette) == 0:
        came = tuple(palette.shape) if isinstance(palette, Tensor) else type(palette).__name__
        raise ValueError(f"palette is {came}, expected a tensor (colours, {images.shape[1]})")
    palette = palette.to(images)
    images, mask = images.detach(), mask.detach().to(images).reshape(1, *images.shape[2:])
    light = covered_brightness(images, mask).mean().item() if same_light else None
    with untouched(model, images, generator):
        pixels = (0.5 * mask).repeat(images.shape[1], 1, 1).requires_grad_()
        result = Sticker(pixels, mask, light or None, **photograph)
        scene = eot(model, result.apply, samples, generator=generator)

        def loss() -> Tensor:
            rows = draw_rows(images, batch_size, generator)
            scores = scene(images[rows])
            check_class(scores.shape[1], target=target)
            return nll(scores, torch.full_like(rows, target)).mean()

        def penalty() -> Tensor:
            return printable * non_printability(pixels, mask, palette) + smooth * total_variation(pixels, mask)

        descend(pixels, loss, penalty, steps=steps, step_size=step_size, progress=progress)
    return Sticker(pixels.detach(), mask, light or None, **photograph)
