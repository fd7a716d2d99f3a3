"""Critics so small that exact slopes can be had, image by image in float64: what the checks compare with."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Waves(nn.Module):
    """``D(x) = Σ aₖ tanh(wₖ·x + bₖ) - c``: another slope at every image.

    Args:
        size: numbers in an image.
        scale: of the slopes.
        units: k.
        seed: of the weights.
    """

    def __init__(
        self, size: int, scale: float = 1.0, units: int = 4, seed: int = 0, dtype: torch.dtype = torch.float64
    ):
        super().__init__()
        draw = torch.Generator().manual_seed(seed)

        def drawn(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.randn(*shape, generator=draw, dtype=torch.float64).to(dtype))

        self.inner, self.offset, self.outer = drawn(units, size), drawn(units), drawn(units)
        self.level = nn.Parameter(torch.tensor(0.3, dtype=dtype))
        with torch.no_grad():
            self.inner.mul_(1 / math.sqrt(size))
            self.outer.mul_(scale)

    def forward(self, x: Tensor) -> Tensor:
        return (x.flatten(1) @ self.inner.T + self.offset).tanh() @ self.outer - self.level


class Plane(nn.Module):
    """``D(x) = w·x``: one slope everywhere."""

    def __init__(self, weights: Sequence[float]):
        super().__init__()
        self.weights = nn.Parameter(torch.tensor(weights, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1) @ self.weights


class Dead(Waves):
    """``D(x) = Σ aₖ max(wₖ·x + bₖ, 0)²``, flat where all of the sums are negative."""

    def forward(self, x: Tensor) -> Tensor:
        return (x.flatten(1) @ self.inner.T + self.offset).relu().square() @ self.outer - self.level


class Neighbourly(Waves):
    """``D(xᵢ) = f(xᵢ) (1 + c mean g(xⱼ))``: the answer for an image depends on the others, as in a batch norm."""

    share = 0.7

    def forward(self, x: Tensor) -> Tensor:
        together = (x.flatten(1) @ self.inner[0] + self.offset[0]).sin().mean()
        return super().forward(x) * (1 + self.share * together)


def double(critic: nn.Module) -> nn.Module:
    """A copy in float64, for exact results."""
    return copy.deepcopy(critic).double()


def exact_slopes(critic: nn.Module, x: Tensor) -> Tensor:
    """The slope at each image by itself, with a graph to the weights."""
    found = []
    for each in x.detach():
        one = each[None].clone().requires_grad_()
        found.append(torch.autograd.grad(critic(one).sum(), one, create_graph=True)[0])
    return torch.cat(found)
