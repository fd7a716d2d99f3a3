"""Total-variation minimisation: pixels dropped at random, and the smoothest image that fits the others."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from advcourse.core.balls import clip
from advcourse.core.validation import check_above, check_at_least, check_count, check_images

REACH = 0.05
"""How far a pixel has to go, about; it sets the ratio of the two step sizes, and only the speed depends on it."""


class TotalVariation(nn.Module):
    """Pixels dropped at random, and the image of least total variation that fits those that are left.

    With mᵢⱼ = 0 for the dropped pixels, 1 for the others, in each channel by itself::

        z = argmin Σᵢⱼ mᵢⱼ (zᵢⱼ - xᵢⱼ)² + λ Σᵢⱼ √((zᵢ₊₁,ⱼ - zᵢⱼ)² + (zᵢ,ⱼ₊₁ - zᵢⱼ)²)

    A pixel is dropped in all channels at once. The paper prints the data term without its square, and norms of whole
    rows and columns of differences; this is the denoising problem that the solver it names, split Bregman, is made
    for, and that published attacks on it solve. What solves it here is a primal-dual method, all images at once::

        q ← Π(q + σ ∇z̄),  Π onto ‖qᵢⱼ‖₂ ≤ λ
        z' = (z - τ ∇ᵀq + 2τ m x) / (1 + 2τ m)
        z̄ = 2z' - z,  z ← z'

    The steps can be differentiated, ``steps`` of them one after another; ``wrappers.bpda`` around it takes the identity
    in their place. Either way an attack has to average over the mask (``wrappers.eot``).

    Args:
        drop: probability that a pixel is dropped, in [0, 1).
        weight: λ. With large ones, or few pixels left, more ``steps`` are needed.
        steps: of the solver.

    Source: Guo et al. 2018, arXiv:1711.00117, section 4.2 (equation 6); Chambolle & Pock 2011, *A first-order
    primal-dual algorithm for convex problems with applications to imaging*, algorithm 1.
    """

    def __init__(self, drop: float = 0.5, weight: float = 0.03, steps: int = 200):
        super().__init__()
        check_at_least(0, drop=drop)
        check_above(0, weight=weight)
        check_count(steps=steps)
        if drop >= 1:
            raise ValueError(f"drop is {drop}, expected less than 1: some pixels have to be left")
        self.drop, self.weight, self.steps = float(drop), float(weight), int(steps)

    def forward(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        check_images(images)
        device = images.device if generator is None else generator.device
        shape = (len(images), 1, *images.shape[2:])
        drawn = torch.rand(shape, generator=generator, dtype=images.dtype, device=device).to(images.device)
        return clip(smoothed(images, (drawn >= self.drop).to(images.dtype), self.weight, self.steps))


def smoothed(images: Tensor, mask: Tensor, weight: float = 0.03, steps: int = 200) -> Tensor:
    """What ``TotalVariation`` makes of the images where the mask is given: ``steps`` towards the minimiser z.

    It begins at the mean of the pixels that are left, or at grey, and looks at no other pixel.

    Args:
        images: ``(N, C, H, W)``.
        mask: ``(N, 1, H, W)``, 0 where a pixel is dropped, else 1.
        weight, steps: as of ``TotalVariation``.
    """
    step = 1 / math.sqrt(8)  # ‖∇‖² < 8
    primal, dual = step * REACH / weight, step * weight / REACH
    count = mask.sum((2, 3), keepdim=True)
    mean = torch.where(count > 0, (mask * images).sum((2, 3), keepdim=True) / count.clamp_min(1), 0.5)
    kept = mask * images
    z = ahead = kept + (1 - mask) * mean
    slope = torch.zeros_like(rises(z))
    for _ in range(steps):
        slope = slope + dual * rises(ahead)
        slope = slope / (slope / weight).square().sum(0).clamp_min(1).sqrt()
        before, z = z, (z - primal * adjoint(slope) + 2 * primal * kept) / (1 + 2 * primal * mask)
        ahead = 2 * z - before
    return z


def rises(z: Tensor) -> Tensor:
    """∇z, ``(2, N, C, H, W)``: to the next row and to the next column, zero at the last."""
    down = F.pad(z[..., 1:, :] - z[..., :-1, :], (0, 0, 0, 1))
    right = F.pad(z[..., 1:] - z[..., :-1], (0, 1))
    return torch.stack([down, right])


def adjoint(slope: Tensor) -> Tensor:
    """∇ᵀ, from ``(2, N, C, H, W)`` to ``(N, C, H, W)``."""
    down, right = slope[0, ..., :-1, :], slope[1, ..., :-1]
    below, beside = F.pad(down, (0, 0, 1, 1)), F.pad(right, (1, 1))
    return below[..., :-1, :] - below[..., 1:, :] + beside[..., :-1] - beside[..., 1:]
