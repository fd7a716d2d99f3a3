"""Random resizing and padding."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from advcourse.attacks import diversify
from advcourse.core.balls import clip
from advcourse.core.validation import check_above, check_at_most, check_images


class ResizePad(nn.Module):
    """Each image shrunk by its own random factor and laid at its own random place on black.

    The paper enlarges 299 pixels to between 299 and 330 and pads to 331; here the image shrinks by as much and keeps
    its size, so that any network takes it. It is the view of ``attacks.diversify``, of every image: the same authors
    made an attack of their defense.

    Args:
        smallest: the smallest share of its side, in (0, 1].

    Source: Xie et al. 2018, arXiv:1711.01991, section 3.
    """

    def __init__(self, smallest: float = 299 / 331):
        super().__init__()
        check_above(0, smallest=smallest)
        check_at_most(1, smallest=smallest)
        self.smallest = float(smallest)

    def forward(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        check_images(images)
        return clip(diversify(images, probability=1.0, smallest=self.smallest, generator=generator))
