"""Norm balls around an image (a uniform draw, the steepest step, the projection) and the box [0, 1] of its pixels.

All work on ``(N, C, H, W)``, image by image; the norms are linf, l2 and l1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from advcourse.core.validation import ROUNDING

NORMS = ("linf", "l2", "l1")
L1_SHARE = 0.01


def _column(values: Tensor) -> Tensor:
    """One value per image, shaped to multiply images."""
    return values[:, None, None, None]


def norms(delta: Tensor, norm: str) -> Tensor:
    """The norm of each image's perturbation, ``(N,)``."""
    order = {"linf": torch.inf, "l2": 2, "l1": 1}[norm]
    return torch.linalg.vector_norm(delta.flatten(1), order, dim=1)


def by_largest(values: Tensor) -> Tensor:
    """Each image's values over the largest of their sizes, so that no square of a tiny one vanishes; zeros stay."""
    largest = norms(values, "linf")
    return values / _column(torch.where(largest > 0, largest, torch.ones_like(largest)))


class Draws(Protocol):
    """What draws ``(N, *shape)``, every image from its own stream: ``core.streams.Streams``."""

    def rand(self, *shape: int) -> Tensor: ...
    def randn(self, *shape: int) -> Tensor: ...


def uniform(like: Tensor, eps: float, norm: str, source: torch.Generator | Draws | None = None) -> Tensor:
    """A draw uniform in the ball of radius ``eps``, one per image, shaped as ``like``.

    ``source``: one generator for all, or streams of the images.

    Source: in l2 a Gaussian direction and the radius ``u^(1/d)``; in l1 the first d of d + 1 normalised
    exponentials with random signs (Barthe, Guedon, Mendelson & Naor 2005, Annals of Probability 33).
    """
    count, size = len(like), like[0].numel()

    def draw(name: str, size: int) -> Tensor:
        if source is not None and not isinstance(source, torch.Generator):
            return source.rand(size) if name == "rand" else source.randn(size)
        device = like.device if source is None else source.device
        sampler: Callable[..., Tensor] = getattr(torch, name)
        return sampler(count, size, generator=source, dtype=like.dtype, device=device).to(like.device)

    if norm == "linf":
        return draw("rand", size).mul_(2 * eps).sub_(eps).view(like.shape)
    if norm == "l2":
        direction = draw("randn", size)
        radius = eps * draw("rand", 1) ** (1 / size)
        return (radius * direction / norms(direction, "l2")[:, None]).view(like.shape)
    exponentials = -torch.log1p(-draw("rand", size + 1))
    share = exponentials[:, :size] / exponentials.sum(1, keepdim=True)
    signs = draw("rand", size).sub_(0.5).sign_()
    return (eps * share * signs).view(like.shape)


def steepest(gradient: Tensor, step_size: float | Tensor, norm: str, x: Tensor, count: Tensor | None = None) -> Tensor:
    """The step of norm ``step_size`` from the images ``x`` along which the linearised loss rises most.

    linf: the sign. l2: the normalised gradient. l1: the best step fills one pixel after another to the end of the box,
    the largest gradient first; here the ``L1_SHARE`` of pixels with the largest share it evenly, as far as each has
    room, and what is left goes on to the best pixels that still have some. Nothing of an l1 step is lost at the box.

    Args:
        gradient, x: ``(N, C, H, W)``.
        step_size: one number, or one per image ``(N,)``.
        norm: ``"linf"``, ``"l2"`` or ``"l1"``.
        count: l1: how many pixels of each image share, ``(N,)``; the ``L1_SHARE`` of them where it is not given.

    Source: for l1, Tramer & Boneh 2019 (arXiv:1904.13000) and Croce & Hein 2021 (arXiv:2103.01208).
    """
    size = _column(step_size) if isinstance(step_size, Tensor) else step_size
    if norm == "linf":
        return gradient.sign().mul_(size)
    if norm == "l2":
        scaled = by_largest(gradient)
        return scaled.mul_(size / _column(norms(scaled, "l2").clamp_min(1)))
    return _steepest_l1(gradient, step_size, x, count)


def _steepest_l1(gradient: Tensor, step_size: float | Tensor, x: Tensor, count: Tensor | None) -> Tensor:
    """An even share for the ``count`` best pixels, cut by the box, and the rest to the best, one after another."""
    slope = gradient.flatten(1)
    if count is None:
        count = x.new_full((len(x),), max(1, round(L1_SHARE * slope.shape[1])))
    budget = step_size[:, None] if isinstance(step_size, Tensor) else step_size
    room = torch.where(gradient > 0, 1 - x, x).flatten(1)
    order = (slope.abs() * (room > 0)).argsort(dim=1, descending=True)
    slope = slope.gather(1, order)
    room = room.gather(1, order) * (slope != 0)
    sharing = torch.arange(room.shape[1], device=x.device) < count[:, None]
    step = room.minimum(sharing * (budget / count[:, None].to(x.dtype)))
    room -= step
    left = budget - step.sum(1, keepdim=True)
    step += (left - (room.cumsum(1) - room)).clamp_min(0).minimum(room)
    step *= slope.sign()
    return torch.empty_like(x).copy_(torch.zeros_like(step).scatter_(1, order, step).view(x.shape))


def project(x: Tensor, images: Tensor, eps: float, norm: str) -> Tensor:
    """The images nearest to ``x`` inside both the ball of radius ``eps`` around ``images`` and the box.

    For l2 the nearest point of the ball is taken and then of the box, which lies in both but need not be
    the nearest of their intersection; linf and l1 are exact. l1 sorts two numbers a pixel: while it runs, between the
    model's passes, it holds some 25 image batches.
    """
    delta = x - images
    delta = _project_l1(delta, eps, images) if norm == "l1" else within_(delta, eps, norm)
    return delta.add_(images).clamp_(0, 1)


def within_(delta: Tensor, eps: float, norm: str) -> Tensor:
    """Each perturbation moved, in place, to the nearest one in the linf or l2 ball of radius ``eps``; no box."""
    if norm == "linf":
        return delta.clamp_(-eps, eps)
    shrink = (eps / norms(delta, "l2").clamp_min(torch.finfo(delta.dtype).tiny)).clamp_max(1)
    return delta.mul_(_column(shrink))


def _project_l1(delta: Tensor, eps: float, images: Tensor) -> Tensor:
    """Exact projection of a perturbation onto the l1 ball cut by the box.

    It is::

        sign(uᵢ) min{(|uᵢ| - λ)₊, mᵢ}

    where u is the perturbation and mᵢ the room that pixel i has in the direction of uᵢ, for the smallest λ ≥ 0 whose
    l1 norm is at most ``eps``. That norm is::

        Σᵢ ((|uᵢ| - λ)₊ - (|uᵢ| - mᵢ - λ)₊)

    a sum of signed hinges, hence linear between the sorted breakpoints.
    """
    size = delta.abs().flatten(1)
    room = torch.where(delta > 0, 1 - images, images).flatten(1)
    hinges = torch.cat([size, size - room], dim=1)
    signs = torch.cat([torch.ones_like(size), -torch.ones_like(size)], dim=1)
    hinges, order = hinges.sort(dim=1, descending=True)
    signs = signs.gather(1, order)
    total, slope = (signs * hinges).cumsum(1), signs.cumsum(1)
    # The norm grows as lambda falls past the hinges; lambda lies between the last one at which it is within eps
    # and the next. The running maximum and the clamps keep rounding on a flat piece from choosing another.
    within = (total - slope * hinges).cummax(1).values <= eps
    last = (within.sum(1, keepdim=True) - 1).clamp_min(0)
    following = torch.cat([hinges[:, 1:], torch.zeros_like(hinges[:, :1])], dim=1).gather(1, last)
    threshold = (total.gather(1, last) - eps) / slope.gather(1, last).clamp_min(1)
    threshold = threshold.maximum(following).clamp_min(0)
    shrunk = (size - threshold).clamp_min(0).minimum(room)
    # Rounding in the running sums may leave the norm a little above eps.
    shrunk *= (eps / shrunk.sum(1, keepdim=True).clamp_min(torch.finfo(size.dtype).tiny)).clamp_max(1)
    shrunk *= delta.flatten(1).sign()
    return torch.empty_like(images).copy_(shrunk.view(images.shape))  # in the images' memory format


def water_level(size: Tensor, weight: Tensor, goal: Tensor) -> Tensor:
    """The least t ≥ 0 at which Σᵢ wᵢ max(sᵢ - t, 0) is at most the goal, for each row: ``(N, D), (N, D), (N, 1)``.

    The sum is convex and piecewise linear in t, so that Newton's steps from 0 rise to the root and end on it: each
    solves for t with the entries that are still above. Nothing is sorted.

    Source: for weights of one Michelot 1986, J. Optim. Theory Appl. 50.
    """
    mass, level = weight * size, torch.zeros_like(goal)
    while True:
        above = size > level
        surplus = (mass * above).sum(1, keepdim=True) - goal
        higher = (surplus / (weight * above).sum(1, keepdim=True)).nan_to_num(0).maximum(level)
        if torch.equal(higher, level):
            return level
        level = higher


def clip(images: Tensor) -> Tensor:
    """The images clamped to [0, 1], with the gradient of what lies in the box, its edge included.

    ``torch.clamp`` passes none at exactly 0 and 1 (torch 2.14), where black and white pixels would stay for ever.
    What rounding takes out of the box, by at most ``ROUNDING`` or eight units of the precision, counts as on the
    edge.
    """
    if not images.requires_grad:
        return images.clamp(0, 1)
    inside = images.detach().clamp(0, 1)
    beyond = images.detach() - inside
    edge = max(ROUNDING, 8 * torch.finfo(images.dtype).eps)
    return torch.where(beyond.abs() <= edge, images - beyond, inside)
