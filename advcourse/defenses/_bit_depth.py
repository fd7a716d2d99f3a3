"""Bit-depth reduction: few levels for every pixel."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from advcourse.core.balls import clip
from advcourse.core.validation import check_at_most, check_count, check_images


class BitDepth(nn.Module):
    """Every pixel rounded to one of 2ᵈ levels, black and white among them.

    With d bits::

        z = round(x (2ᵈ - 1)) / (2ᵈ - 1)

    Its gradient is zero wherever it has one. That hides the network's and protects nobody: an attack on
    ``wrappers.bpda(BitDepth(bits))`` takes the identity's.

    Args:
        bits: d, from 1 to 8.

    Source: Xu, Evans & Qi 2018, arXiv:1704.01155, section III; Guo et al. 2018, arXiv:1711.00117, section 4.1.
    """

    def __init__(self, bits: int = 3):
        super().__init__()
        check_count(bits=bits)
        check_at_most(8, bits=bits)
        self.bits = int(bits)

    def forward(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        check_images(images)
        highest = 2**self.bits - 1
        return clip((images * highest).round() / highest)
