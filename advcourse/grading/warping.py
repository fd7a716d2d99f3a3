"""Checks of warps and of attacks that warp: where each pixel is read, how far the image moves.

A field is ``(N, 2, H, W)``: channel 0 along columns to the right, channel 1 along rows downwards, in pixels.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from advcourse.core.warps import warp
from advcourse.grading.checks import fail, tensor
from advcourse.grading.fields import WRONG_WAY
from advcourse.structured import flow_field

SINGLE = 1e-4
"""Rounding of a place that was computed in float32, in pixels."""


def warps(function: Callable, field: Tensor, t: float) -> None:
    """``function(images, field, t)`` reads each image at p - t v(p), bilinear, the border repeated outside.

    The images hold the coordinates of their pixels, so the result says of every pixel where it was read.
    """
    name = function.__name__
    count, _, height, width = field.shape
    size = torch.tensor([width, height], dtype=torch.float64).view(2, 1, 1)
    v, u = torch.meshgrid(torch.arange(height).double(), torch.arange(width).double(), indexing="ij")
    here = torch.stack([u, v])
    image = torch.cat([here / size, torch.ones(1, height, width, dtype=torch.float64)])
    images = image.expand(count, -1, -1, -1).clone()
    result = tensor(function(images.clone(), field.clone(), t), name, shape=images.shape, dtype=images.dtype)
    read, move = result[:, :2] * size, t * field

    def near(place: Tensor, error: float = SINGLE) -> bool:
        return bool((read - torch.minimum(place.clamp(min=0), size - 1)).abs().max() < error)

    right = here - move
    asked = f"{name}, {height} x {width} pixels, t = {t:g}"
    if near(right, 1e-8) or (near(right) and not move.any()):  # a mistake shows in a field that moves: wait for one
        return
    inside = (result[:, 2:] > 1 - SINGLE / 100).expand_as(read)
    if (result[:, 2] < 1 - SINGLE).any() and inside.any() and (read - right)[inside].abs().max() < SINGLE:
        fail(f"{asked}: black comes in from outside; the border is repeated there (padding_mode='border')")
    edges, corners = size / (size - 1), (size - 1) / size
    mixed = "the grid is made by one convention of align_corners and read by the other"
    scaled = "nearly. A pixel is 2 / W in the units of grid_sample where -1 and 1 are the edges of the image, "
    scaled += "2 / (W - 1) where they are the centres of the outer pixels (H for the rows)"
    places = {
        "nearly: that is the rounding of float32. Create the grid with the images' dtype, as in "
        "`torch.arange(width).to(images)` or `torch.linspace(-1, 1, width, dtype=images.dtype)`": right,
        "it reads at p + t v: the picture moves against the field. Each pixel shows where it came from, p - t v": (
            here + move
        ),
        "the images came back as they were": here.expand_as(move),
        "right and down are swapped: channel 0 of the field is to the right, along the columns": here - move.flip(1),
        "t is ignored": here - field,
        "every image is moved by the field of image 0": here - move[:1].expand_as(move),
        mixed: right * edges - 0.5,
        f"{mixed} ": (right + 0.5) * corners,
        f"{mixed}, and p + t v is read": (here + move) * edges - 0.5,
        scaled: here - move * edges,
        f"{scaled} ": here - move * corners,
        "the field is added in the units of grid_sample, not in pixels": here - move * size / 2,
        "the field is added in the units of grid_sample, not in pixels ": here - move * (size - 1) / 2,
        "W and H are swapped where pixels become units of grid_sample": here - move * size / size.flip(0),
        "W and H are swapped where pixels become units of grid_sample ": here - move * (size - 1) / (size - 1).flip(0),
        "it is half a pixel off": right + 0.5,
        "it is half a pixel off ": right - 0.5,
        "it reads the nearest pixel; between pixels it is to be bilinear": right.round(),
    }
    for explanation, place in places.items():
        if near(place):
            fail(f"{asked}: {explanation.strip()}")
    k = int((read - torch.minimum(right.clamp(min=0), size - 1)).abs().flatten(1).amax(1).argmax())
    worst = (read - torch.minimum(right.clamp(min=0), size - 1))[k].abs().amax(0)
    i, j = divmod(int(worst.argmax()), width)
    fail(
        f"{asked}: the pixel in row {i}, column {j} of image {k} is read at row {read[k, 1, i, j]:.3f}, column "
        f"{read[k, 0, i, j]:.3f}; p - t v is row {right[k, 1, i, j]:.3f}, column {right[k, 0, i, j]:.3f}"
    )


def attacked(adversarial: Tensor, images: Tensor, gradient: Tensor, gamma: float, longest: float, name: str) -> None:
    """The images are warped along the smooth field, scaled image by image to that longest displacement.

    Args:
        adversarial: what the student's attack returned.
        images: ``(N, C, H, W)``.
        gradient: of the loss, in the shape of the images.
        longest: in pixels.
    """
    field = flow_field(gradient, images, gamma=gamma)

    def moved(v: Tensor) -> Tensor:
        return warp(images, v)

    def by(size: Tensor) -> Tensor:
        size = size.view(-1, 1, 1, 1)
        return moved(field * torch.where(size > 0, longest / size, 0))

    length = field.norm(dim=1)
    each = length.amax((1, 2))
    scaled = field * torch.where(each > 0, longest / each, 0).view(-1, 1, 1, 1)
    results = {
        "": moved(scaled),
        WRONG_WAY: moved(-scaled),
        "the images came back as they were": images,
        "the field is not scaled": moved(field),
        "the field is multiplied by the limit, but not divided by its longest displacement": moved(longest * field),
        "one scale for the whole batch: the longest displacement of each image is to be the limit": (
            by(each.max().expand_as(each))
        ),
        "the largest component is scaled to the limit; a displacement is a vector, its length is Euclidean": (
            by(field.abs().amax((1, 2, 3)))
        ),
        "the mean length is scaled to the limit; it is the longest that counts": by(length.mean((1, 2))),
        "the norm of the whole field is scaled to the limit; it is the longest displacement of a pixel that counts": (
            by(field.flatten(1).norm(dim=1))
        ),
        "each component is clipped to the limit, which bends the field; scale the whole field instead": (
            moved(field.clamp(-longest, longest))
        ),
        "every pixel moves equally far: scale by one number per image, not by one per pixel": (
            moved(F.normalize(field, dim=1, eps=1e-300) * longest)
        ),
        "the field shrinks where it is too long, but does not grow where it is short": (
            moved(field * (longest / each).clamp(max=1).view(-1, 1, 1, 1))
        ),
    }
    for explanation, place in results.items():
        if torch.allclose(adversarial, place, rtol=0, atol=1e-6):
            return fail(f"{name}: {explanation}") if explanation else None
    n = int((adversarial - results[""]).abs().flatten(1).amax(1).argmax())
    i = int((adversarial - results[""])[n].abs().argmax())
    fail(
        f"{name}: pixel {i} of image {n} became {adversarial[n].flatten()[i]:.4f}, expected "
        f"{results[''][n].flatten()[i]:.4f} (it was {images[n].flatten()[i]:.4f})"
    )
