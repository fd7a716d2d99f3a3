"""Checks of what a running mean is made of, after passes of an attack and one of the loss."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from torch import Tensor

from advcourse.grading.checks import fail, number


def made_of(function: Callable, momentum: float, steps: int) -> None:
    """Which shares of the running statistics are old, the attack's, and the loss's."""
    name = f"{function.__name__}({momentum:g}, {steps})"
    result = function(momentum, steps)
    off = 1e-9
    if isinstance(result, Tensor | np.ndarray):
        off, result = 1e-9 if str(result.dtype).endswith("float64") else 1e-6, result.tolist()
    if not isinstance(result, (tuple, list)) or len(result) != 3:
        fail(f"{name} returned {result!r}; expected three numbers: old, the attack's, the loss's")
    found = [number(each, name) for each in result]
    m, keep = momentum, 1 - momentum
    right = [keep ** (steps + 1), keep * (1 - keep**steps), m]
    back = [m ** (steps + 1), m * (1 - m**steps), keep]
    wrong = {
        "PyTorch's momentum is the share of what is new": back,
        "the loss's pass comes last, after the attack's": [right[0], 1 - keep**steps, m * keep**steps],
        "the loss's pass moves them too": [keep**steps, 1 - keep**steps, 0.0],
        "each of the attack's passes takes the share m of what is there: shares do not add up": [
            1 - (steps + 1) * m,
            steps * m,
            m,
        ],
        "the last pass takes from the attack's share too": [right[0], 1 - keep**steps, m],
    }

    def near(other: list[float]) -> bool:
        return all(abs(a - b) < off for a, b in zip(found, other, strict=True))

    if near(right):
        return
    for why, other in wrong.items():
        if near(other):
            fail(f"{name}: {why}")
    if abs(sum(found) - 1) > off:
        fail(f"{name}: the three shares add up to {sum(found):.4g}, expected 1")
    told = ", ".join(f"{each:.4g}" for each in found)
    fail(f"{name} gives {told}: follow r ← (1 - m) r + m b through all {steps + 1} passes")
