"""Image quilting that can be differentiated, for attacks on the real one."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from advcourse.core.validation import check_above, check_count
from advcourse.defenses._patches import nearest_patches
from advcourse.defenses._quilting import Quilting


class SoftQuilting(nn.Module):
    """Image quilting with a mean in place of the draw: each patch of the grid becomes one of those near it, weighed.

    With aᵢ the image's patch at position i and b₁, …, bₘ the patches of the database that are nearest to it::

        i ↦ Σⱼ wⱼ bⱼ,   wⱼ ∝ exp(-‖aᵢ - bⱼ‖₂² / (τ s²)),   s² = 1/m Σⱼ ‖aᵢ - bⱼ‖₂²

    and where patches overlap their mean is taken. Its gradient says which patches come nearer when the image moves,
    which the identity does not know: ``wrappers.bpda(quilting, SoftQuilting(patches))`` is what an attack on
    ``Quilting`` differentiates. The attacker's patches need not be the defender's.

    Args:
        patches: a database, ``(M, C, p, p)`` in [0, 1], as of ``sample_patches``.
        near: m, at most M.
        temperature: τ; towards 0 the nearest alone counts.
        overlap: of neighbours, in pixels, less than p.

    ``forward(images, generator=None)`` is as of ``Quilting``, with a graph, and draws nothing.

    Raises:
        ValueError: for bad input; the message names the argument.
    """

    def __init__(self, patches: Tensor, *, near: int = 30, temperature: float = 0.3, overlap: int = 2):
        super().__init__()
        check_count(near=near)
        check_above(0, temperature=temperature)
        if near > len(patches):
            raise ValueError(f"near is {near}, expected at most {len(patches)}: as many patches as there are")
        self.hard, self.near, self.temperature = Quilting(patches, k=1, overlap=overlap), int(near), float(temperature)

    def forward(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        cut, tops, lefts = self.hard.cut(images)
        own, patches = cut.flatten(0, 1).flatten(1), self.hard.patches.to(images.dtype).flatten(1)
        close = patches[nearest_patches(own.detach(), patches, self.near)]
        squared = (own[:, None] - close).square().sum(2)
        scale = squared.mean(1, keepdim=True).clamp_min(torch.finfo(squared.dtype).tiny)
        weights = (-squared / (self.temperature * scale)).softmax(1)
        mixed = torch.einsum("qm,qmd->qd", weights, close).view_as(cut)
        return _averaged(mixed, tops, lefts, images).clamp(0, 1)


def _averaged(mixed: Tensor, tops: list[int], lefts: list[int], images: Tensor) -> Tensor:
    """The patches ``(N, R L, C, p, p)`` in their places, and of what overlaps the mean."""
    size, width = mixed.shape[-1], images.shape[3]
    pixels = torch.arange(size, device=images.device)
    rows = torch.tensor(tops, device=images.device)[:, None, None, None] + pixels[:, None]
    columns = torch.tensor(lefts, device=images.device)[:, None, None] + pixels
    places = (rows * width + columns).flatten()
    values = mixed.transpose(1, 2).flatten(2)
    total = images.new_zeros(images.shape).flatten(2).index_add(2, places, values)
    count = images.new_zeros(total.shape[2]).index_add(0, places, torch.ones_like(places, dtype=images.dtype))
    return (total / count).view(images.shape)
