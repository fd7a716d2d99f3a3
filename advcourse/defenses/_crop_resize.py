"""Crop and rescale: a random part of the image, enlarged to the whole."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from advcourse.core.balls import clip
from advcourse.core.validation import check_above, check_at_most, check_images
from advcourse.core.warps import enlarged
from advcourse.wrappers import draw


class CropResize(nn.Module):
    """Of each image a crop at its own random place, brought to the image's size bilinearly.

    The paper trains on crops and averages a network's answers over 30 of them, 90 of 224 pixels to a side; that
    average is ``wrappers.eot(network, CropResize(), 30)``.

    Args:
        share: the crop's side as a share of the image's, in (0, 1], rounded to whole pixels, one at the least.

    Source: Guo et al. 2018, arXiv:1711.00117, section 4.1.
    """

    def __init__(self, share: float = 90 / 224):
        super().__init__()
        check_above(0, share=share)
        check_at_most(1, share=share)
        self.share = float(share)

    def forward(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        check_images(images)
        rows, columns = (self._part(images, side, generator) for side in images.shape[2:])
        return clip(enlarged(images, rows, columns))

    def _part(self, images: Tensor, side: int, generator: torch.Generator | None) -> Tensor:
        """Numbers of the rows or columns that each image keeps, ``(N, kept)``."""
        kept = max(1, round(self.share * side))
        first = draw(images, 0, side - kept + 1, generator).long().clamp_max(side - kept)
        return first[:, None] + torch.arange(kept, device=images.device)
