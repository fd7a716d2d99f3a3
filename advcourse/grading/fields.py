"""Checks of the linear system of a stream function: its matrices, and which equation a stream function solves.

A stream function is ``(N, h, w)``: a number at each corner between four pixels, and zero on the rim around them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from scipy.fft import dst
from torch import Tensor

from advcourse.grading.checks import fail, tensor

WRONG_WAY = "it stirs against the direction that raises the loss: is the minus sign of -c there?"


def differences(result: Any, rows: int, columns: int) -> None:
    """``result`` is ``(D_x, D_y)``, the differences of neighbouring corners as matrices, those to the rim included."""
    name = f"difference_matrices({rows}, {columns})"
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        fail(f"{name} should return two matrices, D_x and D_y")
    n, right = rows * columns, [_against_the_rim(rows, columns, axis) for axis in (2, 1)]
    shapes = [tuple(each.shape) if type(each) is Tensor else None for each in result]
    if shapes == [tuple(r.shape) for r in right[::-1]] and shapes[0] != shapes[1]:
        fail(f"{name}: D_x and D_y are swapped. x runs along the columns, to the right, y along the rows, down")
    given = []
    for each, r, word, line in zip(result, right, ("D_x", "D_y"), ("row", "column"), strict=True):
        if type(each) is Tensor and tuple(each.shape) == (n, n) != tuple(r.shape):
            fail(
                f"{name}: {word} has {n} rows, expected {len(r)}: in a {line} of m corners there are m + 1 "
                "differences, those to the rim at both ends among them"
            )
        if type(each) is Tensor and tuple(each.shape) == tuple(r.T.shape) != tuple(r.shape):
            fail(f"{name}: {word} is {tuple(each.shape)}, expected {tuple(r.shape)}: one row for each difference")
        given.append(tensor(each, f"{name}, {word}", shape=r.shape, dtype=torch.float64, images=False))
    if rows == columns > 1 and torch.allclose(given[0], right[1]) and torch.allclose(given[1], right[0]):
        fail(f"{name}: D_x and D_y are swapped. x runs along the columns, to the right, y along the rows, down")
    corners = torch.eye(n, dtype=torch.float64).view(n, rows, columns)
    by_column = torch.arange(n).view(rows, columns).T.flatten()
    for g, r, word, axis in zip(given, right, ("D_x", "D_y"), (2, 1), strict=True):
        along = corners.movedim(axis, -1)

        def matrix(pictures: Tensor, axis: int = axis) -> Tensor:
            return pictures.movedim(-1, axis).flatten(1).T

        ring = torch.cat([along[..., -1:], along, along[..., :1]], -1).diff(dim=-1)
        mistakes = {
            "": r,
            "it takes this corner less the next; the difference is the next less this one": -r,
            "the first and the last difference are zero: the rim counts, ψ is zero there": (
                matrix(F.pad(along.diff(dim=-1), (1, 1)))
            ),
            "the difference to the rim at the end is zero: ψ is zero there, so it is minus the last corner": (
                matrix(F.pad(F.pad(along, (1, 0)).diff(dim=-1), (0, 1)))
            ),
            "the difference to the rim at the beginning is zero: ψ is zero there, so it is the first corner": (
                matrix(F.pad(F.pad(along, (0, 1)).diff(dim=-1), (1, 0)))
            ),
            "the ends are joined to a ring; beyond both ends ψ is zero": matrix(ring),
            "the corners are counted column after column; corner (i, j) is number i w + j, as flatten() counts": (
                r[:, by_column]
            ),
            "that is half the difference": r / 2,
        }
        for explanation, wrong in mistakes.items():
            if torch.allclose(g, wrong):
                if explanation:
                    fail(f"{name}, {word}: {explanation}")
                break
        else:
            i, j = divmod(int((g - r).abs().argmax()), n)
            fail(f"{name}: {word}[{i}, {j}] is {g[i, j]:g}, expected {r[i, j]:g}")


def _against_the_rim(rows: int, columns: int, axis: int) -> Tensor:
    """``D_x`` (axis 2) or ``D_y`` (axis 1)."""
    corners = torch.eye(rows * columns, dtype=torch.float64).view(-1, rows, columns)
    return F.pad(corners, (1, 1) if axis == 2 else (0, 0, 1, 1)).diff(dim=axis).flatten(1).T


def solves(
    stream: object, c: Tensor, gamma: float, alpha: float, name: str, mistakes: dict[str, Tensor] | None = None
) -> None:
    """The stream function solves α (P + γ P²) ψ = -c to 1e-10; otherwise says which other equation it solves.

    Args:
        stream: what the student's function returned.
        c: ``(N, h, w)``, float64.
        mistakes: explanation -> the stream function that this mistake gives.
    """
    psi = tensor(stream, name, shape=c.shape, dtype=c.dtype)
    height, width = c.shape[1:]

    def along(side: int, border: str) -> Tensor:
        line = torch.eye(side, dtype=torch.float64)
        result = 2 * line
        if side > 1:
            result = result - line.roll(1, 0).tril() - line.roll(-1, 0).triu()
        if border == "periodic":
            result[0, -1] -= 1
            result[-1, 0] -= 1
        if border in ("free", "end"):
            result[-1, -1] -= 1
        if border in ("free", "beginning"):
            result[0, 0] -= 1
        return result

    def rough(z: Tensor, border: str = "", x: int = 1, y: int = 1) -> Tensor:
        return x * z @ along(width, border) + y * along(height, border) @ z

    once = rough(psi)
    twice = rough(once)

    def other(**changed: Any) -> Tensor:
        p = rough(psi, **changed)
        return alpha * (p + gamma * rough(p, **changed)) + c

    rim = "ψ is zero on the rim, and the differences to it count, at both ends"
    equations = {
        "": other(),
        WRONG_WAY: alpha * (once + gamma * twice) - c,
        "alpha is missing: divide by it": once + gamma * twice + c,
        "alpha is missing, and " + WRONG_WAY: once + gamma * twice - c,
        "it is multiplied by alpha; alpha stands before ψ, so divide by it": once + gamma * twice + alpha * c,
        "that solves (alpha P + gamma P²) ψ = -c; alpha multiplies gamma P² too": alpha * once + gamma * twice + c,
        "gamma is multiplied by alpha once too often": alpha * (once + alpha * gamma * twice) + c,
        "nothing is smoothed: gamma P² is missing": alpha * once + c,
        "that solves alpha (I + gamma P) ψ = -c, the lecture's equation; here motion is what ψ's differences say, so "
        "there is a P more": alpha * (psi + gamma * once) + c,
        "it is P + gamma P², not I + gamma P²": alpha * (psi + gamma * twice) + c,
        "P is missing beside gamma P²": alpha * gamma * twice + c,
        "both terms have P alone: it is P + gamma P²": alpha * (once + gamma * once) + c,
        "gamma multiplies the wrong term": alpha * (gamma * once + twice) + c,
        "P² is the matrix times itself (@), not every entry squared": alpha * (once + gamma * (20 * psi - once)) + c,
        "only differences along the columns count: D_yᵀ D_y is missing": other(y=0),
        "only differences along the rows count: D_xᵀ D_x is missing": other(x=0),
        f"the first corner is joined to the last one; {rim}": other(border="periodic"),
        f"the rim does not count; {rim}": other(border="free"),
        f"the rim does not count at the end; {rim}": other(border="end"),
        f"the rim does not count at the beginning; {rim}": other(border="beginning"),
    }
    scale = c.abs().max().item() or 1.0
    for explanation, rest in equations.items():
        if rest.abs().max() <= 1e-10 * scale * (1 + 8 * gamma):
            return fail(f"{name}: {explanation}") if explanation else None
    for explanation, wrong in (mistakes or {}).items():
        if torch.allclose(psi, wrong, rtol=1e-8, atol=1e-10 * scale):
            fail(f"{name}: {explanation}")
    left = equations[""].abs().max().item()
    fail(f"{name}: put into alpha (P + gamma P²) ψ + c, your ψ leaves up to {left:.3g}, expected 0")


def transformed(c: Tensor, gamma: float, alpha: float) -> dict[str, Tensor]:
    """What sine transforms used wrongly make of c: explanation -> stream function."""
    rows, columns = (torch.from_numpy(dst(np.eye(n), type=1, norm="ortho", axis=0)).to(c) for n in c.shape[1:])
    a, b = (2 - 2 * (torch.pi / (n + 1) * torch.arange(1, n + 1, dtype=c.dtype)).cos() for n in c.shape[1:])
    a, both = a[:, None], a[:, None] + b
    there = rows @ c @ columns

    def by(divisor: Tensor, scale: float = 1.0) -> Tensor:
        return -scale * rows @ (there / divisor) @ columns

    height, width = c.shape[1:]
    return {
        "the way back is missing: that is the transform of ψ": -there / (alpha * both * (1 + gamma * both)),
        "the eigenvalues of the two sides are multiplied: they add up, λ_i + λ_j": (
            by(alpha * a * b * (1 + gamma * a * b))
        ),
        "P² has the eigenvalues (λ_i + λ_j)², not λ_i² + λ_j²": by(alpha * (both + gamma * (a.square() + b.square()))),
        "it is multiplied by the eigenvalues: divide by them": by(1 / (alpha * both * (1 + gamma * both))),
        "γ multiplies λ_i alone: it multiplies the sum of both": by(alpha * both * (1 + gamma * a + b)),
        "γ multiplies λ_j alone: it multiplies the sum of both": by(alpha * both * (1 + a + gamma * b)),
        "the transforms are not orthonormal, so going there and back is no longer the identity": (
            by(alpha * both * (1 + gamma * both), (height + 1) * (width + 1) / 4)
        ),
    }
