"""JPEG written out in tensors, with a rounding that can be differentiated."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from advcourse.core.balls import clip
from advcourse.core.validation import check_callable
from advcourse.defenses._jpeg import check_colours, check_quality

LUMINANCE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
CHROMINANCE = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 8,) * 4,
)
TO_YCBCR = ((0.299, 0.587, 0.114), (-0.299 / 1.772, -0.587 / 1.772, 0.5), (0.5, -0.587 / 1.402, -0.114 / 1.402))
TO_RGB = ((1, 0, 1.402), (1, -0.114 * 1.772 / 0.587, -0.299 * 1.402 / 0.587), (1, 1.772, 0))

Rounding = Callable[[Tensor], Tensor]


def cubic_round(x: Tensor) -> Tensor:
    """A rounding that keeps some slope: ⌊x⌉ + (x - ⌊x⌉)³, at most 1/8 from the whole number.

    Its slope is 3 (x - ⌊x⌉)², zero at whole numbers only; half-way between two of them it jumps by 3/4.

    Source: Shin & Song 2017, *JPEG-resistant adversarial images*.
    """
    whole = x.detach().round()
    return whole + (x - whole) ** 3


class SoftJPEG(nn.Module):
    """JPEG's steps as tensor operations: colours, 8 × 8 cosine transform, quantisation, and back.

    With C a block's coefficients and Q the table at that quality::

        Y, Cb, Cr from R, G, B;  Cb and Cr at half the size (4:2:0)
        C = D (block - 128) Dᵀ
        Ĉ = Q ⊙ ρ(C / Q),  ρ the rounding
        block = Dᵀ Ĉ D + 128, Cb and Cr enlarged bilinearly, and R, G, B of all three

    Sides that are no multiples of 8 or 16 are filled up with the last pixels. Batched, on the images' device. It is
    what attacks may differentiate in JPEG's place; as a defense of its own it is one without hidden gradients.

    Args:
        quality: from 1 to 100; the tables are libjpeg's.
        rounding: ρ; with ``torch.round`` the result is that of ``JPEG`` to a few levels, with a gradient of zero.

    Source: Shin & Song 2017, *JPEG-resistant adversarial images*; Wallace 1992, *The JPEG still picture
    compression standard*.
    """

    def __init__(self, quality: int = 75, rounding: Rounding = cubic_round):
        super().__init__()
        check_quality(quality)
        check_callable(rounding=rounding)
        self.quality, self.rounding = int(quality), rounding

    def forward(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        check_colours(images)
        return clip(compressed(255 * images, self.quality, self.rounding) / 255)


def compressed(levels: Tensor, quality: int, rounding: Rounding, stored: Rounding = lambda x: x) -> Tensor:
    """Levels ``(N, 1 or 3, H, W)`` of 0 to 255 after compression; ``stored`` is what becomes of levels on the way,
    which libjpeg keeps as bytes.
    """
    luminance, chrominance = (table.to(levels) for table in quantisation(quality))
    if levels.shape[1] == 1:
        return stored(_coded(levels, luminance, rounding))
    height, width = levels.shape[2:]
    centre = levels.new_tensor([0, 128, 128])[:, None, None]
    colours = stored(_mixed(levels, TO_YCBCR) + centre)
    grey, tint = colours[:, :1], colours[:, 1:]
    # libjpeg fills a row up before it halves the colours, and the rows below, but for one, afterwards.
    small = F.avg_pool2d(F.pad(tint, (0, -width % 16, 0, -height % 2), mode="replicate"), 2)
    small = stored(_coded(stored(small), chrominance, rounding))[..., : (width + 1) // 2]
    tint = F.interpolate(small, scale_factor=2, mode="bilinear", align_corners=False)[..., :height, :width]
    grey = stored(_coded(grey, luminance, rounding))
    return stored(_mixed(torch.cat([grey, stored(tint)], 1) - centre, TO_RGB))


def quantisation(quality: int) -> tuple[Tensor, Tensor]:
    """The tables of luminance and chrominance ``(8, 8)``: the standard's, 5000/q or, from 50, 200 - 2q per cent."""
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    tables = (torch.tensor(table) for table in (LUMINANCE, CHROMINANCE))
    luminance, chrominance = (((table * percent + 50) // 100).clamp(1, 255) for table in tables)
    return luminance, chrominance


def _mixed(levels: Tensor, matrix: tuple[tuple[float, ...], ...]) -> Tensor:
    return torch.einsum("dc,nchw->ndhw", levels.new_tensor(matrix), levels)


def _coded(plane: Tensor, table: Tensor, rounding: Rounding) -> Tensor:
    """Planes ``(N, C, H, W)`` of 0 to 255, every block of 8 × 8 quantised in its cosine transform."""
    height, width = plane.shape[2:]
    filled = F.pad(plane - 128, (0, -width % 8, 0, -height % 8), mode="replicate")
    blocks = filled.unflatten(3, (-1, 8)).unflatten(2, (-1, 8))
    cosines = cosine_basis().to(plane.dtype).to(plane.device)
    coefficients = torch.einsum("ui,nchiwj,vj->nchuwv", cosines, blocks, cosines)
    quantised = rounding(coefficients / table[:, None]) * table[:, None]
    blocks = torch.einsum("ui,nchuwv,vj->nchiwj", cosines, quantised, cosines)
    return blocks.flatten(4).flatten(2, 3)[..., :height, :width] + 128


def cosine_basis(size: int = 8) -> Tensor:
    """The orthonormal cosine transform D ``(size, size)``, a frequency in each row."""
    k = torch.arange(size, dtype=torch.float64)
    waves = torch.cos(math.pi / size * k[:, None] * (k + 0.5)) * math.sqrt(2 / size)
    waves[0] /= math.sqrt(2)
    return waves
