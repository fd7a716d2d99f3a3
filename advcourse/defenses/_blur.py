"""Blur: a Gaussian filter in front of the network."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from advcourse.core.balls import clip
from advcourse.core.validation import check_above, check_at_most, check_count, check_images


class Blur(nn.Module):
    """Each channel convolved with a Gaussian.

    With w normalised to the sum 1 and r half of ``kernel_size - 1``::

        zᵢⱼ = Σₖₗ wₖ wₗ xᵢ₊ₖ,ⱼ₊ₗ,   wₖ ∝ exp(-k² / 2σ²),   |k|, |l| ≤ r

    Beyond the border stand the pixels at the border. Linear, hence as easily differentiated by an attack as by us.

    Args:
        sigma: σ, the standard deviation in pixels, at most 100.
        kernel_size: odd; up to 4σ to each side where it is not given.

    Source: Xu, Evans & Qi 2018, arXiv:1704.01155, section III: spatial smoothing, for which they take medians.
    """

    def __init__(self, sigma: float, kernel_size: int | None = None):
        super().__init__()
        check_above(0, sigma=sigma)
        check_at_most(100, sigma=sigma)
        check_count(optional=True, kernel_size=kernel_size)
        size = 2 * int(4 * sigma + 0.5) + 1 if kernel_size is None else int(kernel_size)
        if size % 2 == 0:
            raise ValueError(f"kernel_size is {size}, expected an odd number: a middle, and as many on both sides")
        self.sigma, self.kernel_size = float(sigma), size

    def forward(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        check_images(images)
        radius, channels = self.kernel_size // 2, images.shape[1]
        offsets = torch.arange(-radius, radius + 1, dtype=images.dtype, device=images.device)
        weights = (-0.5 * (offsets / self.sigma) ** 2).softmax(0).expand(channels, 1, 1, -1)
        wide = F.pad(images, (radius, radius, radius, radius), mode="replicate")
        across = F.conv2d(wide, weights, groups=channels)
        return clip(F.conv2d(across, weights.transpose(2, 3), groups=channels))
