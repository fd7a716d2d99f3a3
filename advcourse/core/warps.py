"""Moving pixels: rotations with shifts and motion fields, differentiable in how far they move.

Everything is measured in pixels: x to the right, y down, pixel (row i, column j) at y = i, x = j. An image is black
outside, and bilinear between its pixels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from advcourse.core.balls import clip
from advcourse.core.validation import check_at_least, check_choice, check_flow, check_per_image

PADDINGS = ("zeros", "border")


def sample(images: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The images read at the points (x, y), between four pixels by their weights; black outside.

    A point on a pixel gives that pixel, to the last bit.

    Args:
        images: ``(N, C, H, W)``; one image is read by all.
        x, y: ``(N, H', W')``, in pixels.

    Returns:
        ``(N, C, H', W')``, differentiable in all three.
    """
    height, width = images.shape[2:]
    # grid_sample counts in shares of the image. On a side that is a power of two they are exact for whole pixels.
    side = 1 << (max(height, width) - 1).bit_length()
    images = F.pad(images, (0, side - width, 0, side - height)).expand(len(x), -1, -1, -1)
    grid = torch.stack([(2 * x + 1) / side - 1, (2 * y + 1) / side - 1], dim=-1)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def _pixels(like: Tensor) -> tuple[Tensor, Tensor]:
    """Where each pixel is: x ``(W,)`` and y ``(H, 1)``."""
    height, width = like.shape[2:]
    x = torch.arange(width, dtype=like.dtype, device=like.device)
    return x, torch.arange(height, dtype=like.dtype, device=like.device)[:, None]


def rigid(images: Tensor, dx: Tensor | float, dy: Tensor | float, angle: Tensor | float) -> Tensor:
    """Each image turned about its centre and then shifted; black comes in from outside.

    What is at a point p goes to::

        p' = c + R_θ (p - c) + (dx, dy)

    with c the image's centre and R_θ the turn by ``angle``.

    A shift by whole pixels copies pixels, a turn by 90° of a square image is ``torch.rot90``, and zeros give the
    images back to the last bit.

    Args:
        images: ``(N, C, H, W)`` in [0, 1]; a single image takes all the parameters given.
        dx: to the right, in pixels: a number, or ``(N,)`` with one per image.
        dy: down, in pixels.
        angle: counter-clockwise as displayed, in degrees.

    Returns:
        ``(N, C, H, W)`` in [0, 1], differentiable in the images and in the three parameters.

    Raises:
        ValueError: where there is neither one parameter nor one per image.

    Source: Engstrom et al. 2019, arXiv:1712.02779, section 3.
    """
    dx, dy, angle = (value[:, 0, 0] for value in check_per_image(images, dx=dx, dy=dy, angle=angle))
    return clip(similarity(images, images.shape[2:], dx, dy, angle, torch.ones_like(angle)))


def similarity(source: Tensor, size: Sequence[int], dx: Tensor, dy: Tensor, angle: Tensor, scale: Tensor) -> Tensor:
    """Each source laid on an empty canvas: scaled and turned about its centre and moved, bilinear, zero around it.

    Args:
        source: ``(N, C, h, w)``; a single one is laid on all canvases.
        size: of the canvases, ``(H, W)``.
        dx, dy: from the canvas's centre to the source's, each ``(N,)``: to the right and down, in pixels.
        angle: ``(N,)``, in degrees, counter-clockwise as displayed.
        scale: ``(N,)``; at 1 a pixel of the source is as large as one of the canvas.

    Returns:
        ``(N, C, H, W)``. Unturned at scale 1, what falls on a pixel is copied to the last bit.
    """
    dx, dy, turn, scale = (value[:, None, None] for value in (dx, dy, torch.deg2rad(angle), scale))
    right = torch.arange(size[1], dtype=source.dtype, device=source.device) - (size[1] - 1) / 2 - dx
    down = torch.arange(size[0], dtype=source.dtype, device=source.device)[:, None] - (size[0] - 1) / 2 - dy
    # Backwards: the pixel shown there is the one that the change of size, the turn and the shift bring.
    cosine, sine = torch.cos(turn) / scale, torch.sin(turn) / scale
    middle_y, middle_x = ((side - 1) / 2 for side in source.shape[2:])
    return sample(source, middle_x + cosine * right - sine * down, middle_y + sine * right + cosine * down)


def warp(images: Tensor, field: Tensor, t: float | Tensor = 1.0, *, padding: str = "border") -> Tensor:
    """The images after moving along the field for a time t::

        x̃(p) = x(p - t v(p))

    What is at a pixel moves with the field, so each pixel is read from where it came.

    Args:
        images: ``(N, C, H, W)`` in [0, 1].
        field: v, ``(N, 2, H, W)``, in pixels per unit of t: to the right, and down.
        t: a number, or ``(N,)`` with one per image.
        padding: what lies outside: ``"border"`` repeats the nearest pixel, ``"zeros"`` is black.

    Returns:
        ``(N, C, H, W)`` in [0, 1], differentiable in all three; at t = 0 the images to the last bit.

    Raises:
        ValueError: for a field of another shape, precision or device.

    Source: Xiao et al. 2018, arXiv:1801.02612, equation 1, whose flow is -v; the deck "Differential Operators for
    Structured Adversarial Examples" (H. Mobahi), equation 4.
    """
    check_flow(field, images, "field")
    check_choice("padding", padding, PADDINGS)
    (t,) = check_per_image(images, t=t)
    x, y = _pixels(images)
    x, y = x - t * field[:, 0], y - t * field[:, 1]
    if padding == "border":  # once around suffices, and leaves the slope at the outermost pixels as it is elsewhere
        images = F.pad(images, (1, 1, 1, 1), mode="replicate")
        x, y = (x + 1).clamp(0, images.shape[3] - 1), (y + 1).clamp(0, images.shape[2] - 1)
    return clip(sample(images, x, y))


def canvas(images: Tensor, max_shift: float, max_angle: float) -> Tensor:
    """The images on a black canvas just large enough that ``rigid`` moves nothing out of it.

    A turn by θ takes the half-width a and half-height b, each with the half-pixel over which bilinear reading spreads,
    to a cos θ + b sin θ and b cos θ + a sin θ.

    Args:
        images: ``(N, C, H, W)``.
        max_shift: the largest shift, in pixels.
        max_angle: the largest angle, in degrees.

    Returns:
        ``(N, C, H + 2 p, W + 2 q)``, the images in the middle.

    Source: the "black canvas" of Engstrom et al. 2019, arXiv:1712.02779, section 3.
    """
    check_at_least(0, max_shift=max_shift, max_angle=max_angle)
    height, width = images.shape[2:]
    down, right = (_reach(a, b, max_angle) + max_shift for a, b in ((height, width), (width, height)))
    below, beside = (math.ceil(reach - (side + 1) / 2 - 1e-9) for reach, side in ((down, height), (right, width)))
    return F.pad(images, (beside, beside, below, below))


def _reach(along: float, across: float, max_angle: float) -> float:
    """The largest half-extent of the turned image along one axis."""
    along, across = (along + 1) / 2, (across + 1) / 2
    steepest = math.atan2(across, along)
    turn = min(math.radians(max_angle), steepest)
    return along * math.cos(turn) + across * math.sin(turn)


def enlarged(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Of each image the pixels in its own rows ``(N, h)`` and columns ``(N, w)``, brought to its size bilinearly."""
    each = torch.arange(len(images), device=images.device)[:, None, None]
    parts = images.movedim(1, 3)[each, rows[:, :, None], columns[:, None, :]].movedim(3, 1)
    return F.interpolate(parts, images.shape[2:], mode="bilinear", align_corners=False)
