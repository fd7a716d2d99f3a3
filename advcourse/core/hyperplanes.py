"""The shortest step from an image to a hyperplane that stays in the box [0, 1], exactly, in linf, l2 and l1."""

from __future__ import annotations

import torch
from torch import Tensor


def to_hyperplane(x: Tensor, normal: Tensor, rise: Tensor, norm: str) -> Tensor:
    """The step δ of least norm with ⟨w, δ⟩ = r and x + δ in the box; where none reaches r, the one that comes closest.

    Pixel i moves in the direction of r wᵢ alone, by tᵢ of the room mᵢ that the box leaves it there::

        linf:  tᵢ = min(λ, mᵢ)
        l2:    tᵢ = min(λ |wᵢ|, mᵢ)
        l1:    tᵢ = mᵢ for the largest |wᵢ|, one pixel part of its own, 0 for the others

    with the least λ, or the fewest pixels, that reach Σᵢ |wᵢ| tᵢ = |r|.

    Args:
        x: images ``(N, C, H, W)`` in [0, 1].
        normal: w, as ``x``, finite.
        rise: r, by how much ⟨w, x⟩ is to change, ``(N,)``.
        norm: ``"linf"``, ``"l2"`` or ``"l1"``.

    Returns:
        δ, as ``x``; zero where w is.

    Source: Croce & Hein 2020, arXiv:1907.02044, problem (5); there λ is found by sorting.
    """
    directions = (normal * rise[:, None, None, None].sign()).sign()
    room = torch.where(directions > 0, 1 - x, x).mul_(directions.abs()).flatten(1)
    weight = normal.abs().flatten(1)
    largest = weight.amax(1, keepdim=True).clamp_min(torch.finfo(x.dtype).tiny)
    weight, goal = weight / largest, rise.abs()[:, None] / largest  # so that no square of a tiny weight vanishes
    moved = _fullest(weight, room, goal) if norm == "l1" else _rising(weight, room, goal, norm)
    return directions.mul_(moved.view(x.shape))


def _rising(weight: Tensor, room: Tensor, goal: Tensor, norm: str) -> Tensor:
    """min(λ s, m) for the least λ with Σᵢ wᵢ min(λ sᵢ, mᵢ) = goal, where s is 1 (linf) or w (l2).

    The sum is concave and piecewise linear in λ, so that Newton's steps from 0 rise to the root and end on it: each
    solves for λ with the pixels that are still free, and those that λ then stops at the box are free no more.
    """
    speed = (weight > 0).to(weight.dtype) if norm == "linf" else weight
    full, slope = weight * room, weight * speed
    free = room > 0
    while True:
        left = goal - full.masked_fill(free, 0).sum(1, keepdim=True)
        pull = slope.masked_fill(~free, 0).sum(1, keepdim=True)
        moved = speed * torch.where(pull > 0, left / pull, torch.inf).clamp_min(0).nan_to_num(0, torch.inf)
        still = free & (moved < room)
        if torch.equal(still, free):
            return torch.where(free, moved, room)
        free = still


def _fullest(weight: Tensor, room: Tensor, goal: Tensor) -> Tensor:
    """The room of the pixels of largest weight, until their products with the weights add up to the goal."""
    weight, order = weight.sort(dim=1, descending=True, stable=True)
    full = weight * room.gather(1, order)
    before = full.cumsum(1) - full
    share = ((goal - before) / full).nan_to_num(0).clamp_(0, 1)  # of each pixel's room
    return torch.zeros_like(room).scatter_(1, order, share).mul_(room)
