"""Three models without names, one of which is what it seems: for the last exercise of assignment 6.

Whoever reads on reads the answer to a question of one point; the others ask for reasons.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from advcourse import models
from advcourse.grading.checks import fail, number, value


class _Ripple(nn.Module):
    """A small fast wave of every pixel: its slope drowns the network's gradient."""

    def __init__(self, network: nn.Module, height: float, length: float):
        super().__init__()
        self.network, self.height, self.length = network, height, length

    def forward(self, images: Tensor) -> Tensor:
        return self.network(images + self.height * torch.sin(2 * math.pi / self.length * images))


class _Steps(nn.Module):
    """A few levels for every pixel."""

    def __init__(self, network: nn.Module, bits: int):
        super().__init__()
        self.network, self.steps = network, 2**bits - 1

    def forward(self, images: Tensor) -> Tensor:
        return self.network((images * self.steps).round() / self.steps)


def three() -> dict[str, nn.Module]:
    """Models A, B and C of digits, in evaluation mode, on the CPU."""
    plain, trained = (models.load(name, device="cpu") for name in ("mnist/cnn", "mnist/cnn-robust"))
    return {"A": _Ripple(plain, 0.02, 0.01).eval(), "B": trained, "C": _Steps(plain, 3).eval()}


def speaking(function: Callable, wrong: dict[str, Tensor], zero: Tensor) -> None:
    """The images that speak for a hidden gradient, by five signs."""
    name = function.__name__
    given, own = {key: column.clone() for key, column in wrong.items()}, zero.clone()
    result = function(given, own)
    if type(result) is not dict or set(result) != {"one step", "random", "black box", "unbounded", "no gradient"}:
        came = sorted(result) if type(result) is dict else type(result).__name__
        fail(f"{name} returned {came}; expected a dict from one step, random, black box, unbounded, no gradient")
    if any(not torch.equal(given[key], wrong[key]) for key in wrong) or not torch.equal(own, zero):
        fail(f"{name} overwrote its input: work on copies")
    right, every = ~wrong["clean"], torch.ones_like(zero)
    for key, count in result.items():
        if key in ("one step", "random", "black box"):
            fools, missed = wrong[key], ~wrong["iterated"]
            mistakes = {
                "that is a difference of two numbers: count the images that the one fools and the other misses": int(
                    (fools & right).sum() - (wrong["iterated"] & right).sum()
                ),
                "that is how many it fools: those count that the iterated attack misses": int((fools & right).sum()),
                "images that are misclassified without an attack do not count": int((fools & missed).sum()),
                "that is the other way round: count what the weaker attack fools": int(
                    (~fools & ~missed & right).sum()
                ),
                "that is how many it fools, of all images": int(fools.sum()),
                "that is a difference of two numbers, of all images": int(fools.sum() - wrong["iterated"].sum()),
                "both attacks fool these: count what the iterated one misses": int((fools & ~missed & right).sum()),
            }
            expected = int((fools & missed & right).sum())
        else:
            speaks = ~wrong["unbounded"] if key == "unbounded" else zero
            mistakes = {
                "images that are misclassified without an attack do not count": int((speaks & every).sum()),
                "that is the other images: count those that say something of the gradient": int(
                    (~speaks & right).sum()
                ),
                "that is the other images, and all of them": int((~speaks).sum()),
            }
            expected = int((speaks & right).sum())
        value(
            number(count, f'{name}["{key}"]'), expected, f'{name}["{key}"]', {k: float(v) for k, v in mistakes.items()}
        )
