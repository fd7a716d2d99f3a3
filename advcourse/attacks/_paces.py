"""How Auto-PGD chooses the length of its steps: halved in linf and l2, sparser or shorter in l1."""

from __future__ import annotations

import torch
from torch import Tensor

from advcourse.core.balls import project, steepest

MOMENTUM = 0.75


class Pace:
    """How long the next step of each image is, and which images go back to their best."""

    def keep(self, going: Tensor) -> None:
        """Go on with those images alone."""
        for name, value in vars(self).items():
            if isinstance(value, Tensor):
                setattr(self, name, value[going])


class Halving(Pace):
    """Steps with momentum in linf and l2; their size is halved where the ascent stalls."""

    def __init__(self, centres: Tensor, eps: float, norm: str, steps: int, rho: float):
        self.centres, self.eps, self.norm, self.rho = centres, eps, norm, rho
        self.size = centres.new_full((len(centres),), 2 * eps)
        self.previous: Tensor | None = None
        self.height, self.highest = torch.full_like(self.size, torch.inf), torch.full_like(self.size, -torch.inf)
        self.rises = torch.zeros_like(self.size)
        self.halved = torch.zeros_like(self.size, dtype=torch.bool)
        self.checkpoints, self.since = checkpoints_of(steps), 0

    def adapt(self, step: int, height: Tensor, best: Tensor, highest: Tensor) -> Tensor | None:
        """Which images go back, at the checkpoints."""
        self.rises += height > self.height
        self.height = height
        if step not in self.checkpoints:
            return None
        stalled = (self.rises < self.rho * (step - self.since)) | (~self.halved & (highest <= self.highest))
        self.size = torch.where(stalled, self.size / 2, self.size)
        self.halved, self.highest, self.since = stalled, highest, step
        self.rises = torch.zeros_like(self.rises)
        self.height = torch.where(stalled, highest, height)
        return stalled

    def step(self, x: Tensor, gradient: Tensor) -> Tensor:
        """The next iterates."""
        z = project(steepest(gradient, self.size, self.norm, x).add_(x), self.centres, self.eps, self.norm)
        if self.previous is not None:
            moved = z.sub_(x).mul_(MOMENTUM).add_(x).add_(self.previous.sub_(x), alpha=MOMENTUM - 1)
            z = project(moved, self.centres, self.eps, self.norm)
        self.previous = x
        return z


class Sparse(Pace):
    """Steps in l1, whose length and number of pixels follow how sparse the best iterate is.

    Attributes:
        filled: what the box cuts off a step goes on to other pixels; else it is lost, and in ``wide`` balls the number
            of pixels follows the start too.
        period: share of the steps from one checkpoint to the next.
        shrink: by what the length, and the number of pixels that the best iterate has moved, are divided.
        smallest: least length, in ε.
        sparser: share of the pixels moved before that a sparser iterate stays below.
    """

    period, shrink, smallest, sparser = 0.04, 1.5, 0.1, 0.95

    def __init__(self, centres: Tensor, eps: float, steps: int, start: Tensor, filled: bool, wide: bool):
        self.centres, self.eps, self.filled = centres, eps, filled
        self.size = centres.new_full((len(centres),), eps)
        self.moved = centres.new_full((len(centres),), centres[0].numel())
        self.count = self.moved / 5
        if wide and not filled:
            self.moved = self._moved(start)
            self.count = self.moved / self.shrink
        self.every = max(1, int(self.period * steps))

    def adapt(self, step: int, height: Tensor, best: Tensor, highest: Tensor) -> Tensor | None:
        """Which images go back, at every checkpoint."""
        if step == 0 or step % self.every:
            return None
        moved = self._moved(best)
        sparser = moved < self.sparser * self.moved
        shorter = (self.size / self.shrink).clamp_min(self.smallest * self.eps)
        self.size = torch.where(sparser, torch.full_like(shorter, self.eps), shorter)
        self.count, self.moved = moved / self.shrink, moved
        return sparser

    def _moved(self, x: Tensor) -> Tensor:
        """How many pixels of each image are not those of its centre."""
        return (x != self.centres).flatten(1).sum(1).to(self.size.dtype)

    def step(self, x: Tensor, gradient: Tensor) -> Tensor:
        """The next iterates."""
        if self.filled:
            step = steepest(gradient, self.size, "l1", x, self.count.floor().clamp_min(1))
        else:
            slope = gradient.flatten(1)
            last = (self.count.ceil().clamp_min(1).long() - 1)[:, None]
            kept = slope.abs() >= slope.abs().sort(1, descending=True).values.gather(1, last)
            shared = slope.sign() * kept * (slope != 0)
            step = (shared * (self.size / shared.abs().sum(1).clamp_min(1))[:, None]).view_as(x)
        return project(step.add_(x), self.centres, self.eps, "l1")


def checkpoints_of(steps: int) -> set[int]:
    """The steps ⌈pⱼ steps⌉ with p₀ = 0, p₁ = 0.22, pⱼ₊₁ = pⱼ + max(pⱼ - pⱼ₋₁ - 0.03, 0.06); p in hundredths."""
    found, p, gap = {0}, 22, 22
    while p <= 100:
        found.add(-(-p * steps // 100))
        gap = max(gap - 3, 6)
        p += gap
    return found
