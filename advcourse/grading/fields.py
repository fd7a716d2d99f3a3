"""Checks of the linear system of a motion field: its matrices, and which equation a field solves.

A field is ``(N, 2, H, W)``: channel 0 along columns to the right, channel 1 along rows downwards, in pixels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from scipy.fft import dct
from torch import Tensor

from advcourse.grading.checks import fail, tensor

WRONG_WAY = "your field moves pixels against the direction that raises the loss: is the minus sign of -d there?"


def differences(result: Any, height: int, width: int) -> None:
    """``result`` is ``(D_x, D_y)``, the forward differences as matrices with a zero row at the border."""
    name = f"difference_matrices({height}, {width})"
    if type(result) not in (tuple, list) or len(result) != 2:
        fail(f"{name} should return two matrices, D_x and D_y")
    n = height * width
    given = [
        tensor(r, f"{name}, {w}", shape=(n, n), dtype=torch.float64, images=False)
        for r, w in zip(result, ("D_x", "D_y"), strict=True)
    ]
    right = [_forward(height, width, axis) for axis in (2, 1)]
    if torch.allclose(given[0], right[1]) and torch.allclose(given[1], right[0]) and not torch.equal(*right):
        fail(f"{name}: D_x and D_y are swapped. x runs along the columns, to the right, y along the rows, down")
    pixels = torch.eye(n, dtype=torch.float64).view(n, height, width)
    eye = pixels.flatten(1)
    by_column = torch.arange(n).view(height, width).T.flatten()
    for g, r, word, axis in zip(given, right, ("D_x", "D_y"), (2, 1), strict=True):
        others = pixels.movedim(axis, -1)

        def matrix(pictures: Tensor, axis: int = axis) -> Tensor:
            return pictures.movedim(-1, axis).flatten(1).T

        mistakes = {
            "": r,
            "it takes this pixel less the next; the difference is the next less this one": -r,
            "the last difference goes round to the first pixel again; beyond the border there is none, so its row "
            "is zero": matrix(others.roll(-1, -1) - others),
            "the last row takes a zero pixel beyond the border, -1 times its own pixel; there is no difference "
            "there, so its row is zero": matrix(F.pad(others, (0, 1)).diff(dim=-1)),
            "it takes this pixel less the one before; the difference is the next less this one": (
                matrix(F.pad(others.diff(dim=-1), (1, 0)))
            ),
            "that is the central difference, which does not see a checkerboard; take the next less this one": (
                matrix(others @ _central(others.shape[-1]).T)
            ),
            "the pixels are counted column after column; pixel (i, j) is number i W + j, as flatten() counts": (
                r[by_column][:, by_column]
            ),
            "it runs on across the end of a row of pixels, to the first pixel of the next row; the last column has no "
            "next pixel, so its row is zero": F.pad(eye.diff(dim=0), (0, 0, 0, 1)) if axis == 2 else r,
            "pixel (i, j) is number i W + j, not i H + j": _counted_by_height(height, width, axis),
            "are H and W swapped? It is right for a picture that is as high as yours is wide": (
                _forward(width, height, axis)
            ),
        }
        for explanation, wrong in mistakes.items():
            if torch.allclose(g, wrong):
                if explanation:
                    fail(f"{name}, {word}: {explanation}")
                break
        else:
            row, column = divmod(int((g - r).abs().argmax()), n)
            fail(f"{name}: {word}[{row}, {column}] is {g[row, column]:g}, expected {r[row, column]:g}")


def _forward(height: int, width: int, axis: int) -> Tensor:
    """``D_x`` (axis 2) or ``D_y`` (axis 1)."""
    pixels = torch.eye(height * width, dtype=torch.float64).view(-1, height, width)
    return F.pad(pixels.diff(dim=axis), (0, 1) if axis == 2 else (0, 0, 0, 1)).flatten(1).T


def _counted_by_height(height: int, width: int, axis: int) -> Tensor:
    """``D_x`` (axis 2) or ``D_y`` (axis 1) if pixel (i, j) is counted as i H + j; right where that is no number."""
    if height >= width:
        return _forward(height, width, axis)
    result = torch.zeros(height * width, height * width, dtype=torch.float64)
    for i in range(height - (axis == 1)):
        for j in range(width - (axis == 2)):
            here = i * height + j
            result[here, here], result[here, here + (1 if axis == 2 else height)] = -1, 1
    return result


def _central(side: int) -> Tensor:
    """Central differences of one row of pixels, one-sided at the border."""
    eye = torch.eye(side, dtype=torch.float64)
    return torch.gradient(eye, dim=0)[0] if side > 1 else 0 * eye


def solves(
    field: object, d: Tensor, gamma: float, alpha: float, name: str, mistakes: dict[str, Tensor] | None = None
) -> None:
    """The field solves α (I + γ P) v = -d to 1e-10; otherwise says which other equation it solves.

    Args:
        field: what the student's function returned.
        d: ``(N, 2, H, W)``, float64.
        mistakes: explanation -> the field that this mistake gives.
    """
    field = tensor(field, name, shape=d.shape, dtype=d.dtype)
    height, width = d.shape[2:]

    def along(side: int, border: str) -> Tensor:
        step = _central(side) if border == "central" else torch.eye(side, dtype=torch.float64).diff(dim=0)
        result = step.T @ step
        if border == "periodic":
            result[0, 0] = result[-1, -1] = 2
            result[0, -1] -= 1
            result[-1, 0] -= 1
        if border in ("zero", "zeros"):
            result[-1, -1] = 2
        if border == "zeros":
            result[0, 0] = 2
        return result

    def rough(border: str = "", x: int = 1, y: int = 1) -> Tensor:
        return x * field @ along(width, border) + y * along(height, border) @ field

    smooth = field + gamma * rough()
    beyond = "beyond the border there is no difference: the last row of D_x and of D_y is zero"
    equations = {
        "": alpha * smooth + d,
        WRONG_WAY: alpha * smooth - d,
        "x and y are swapped": alpha * smooth + d.flip(1),
        "alpha is missing: divide by it": smooth + d,
        "alpha is missing, and " + WRONG_WAY: smooth - d,
        "it is multiplied by alpha; alpha stands before the field, so divide by it": smooth + alpha * d,
        "that solves (alpha I + gamma P) v = -d; alpha multiplies gamma P too": alpha * field + gamma * rough() + d,
        "gamma is multiplied by alpha once too often": alpha * (field + alpha * gamma * rough()) + d,
        "nothing is smoothed: gamma P is missing": alpha * field + d,
        "I is missing beside gamma P": alpha * gamma * rough() + d,
        "P has the wrong sign: P = D_xᵀ D_x + D_yᵀ D_y": alpha * (field - gamma * rough()) + d,
        "gamma multiplies the wrong term": alpha * (gamma * field + rough()) + d,
        "only differences along the columns are smoothed: D_yᵀ D_y is missing": (
            alpha * (field + gamma * rough(y=0)) + d
        ),
        "only differences along the rows are smoothed: D_xᵀ D_x is missing": alpha * (field + gamma * rough(x=0)) + d,
        "P is too large by a factor of 2": alpha * (field + 2 * gamma * rough()) + d,
        f"the last pixel is smoothed with the first one; {beyond}": alpha * (field + gamma * rough("periodic")) + d,
        f"the border is smoothed with zeros; {beyond}": alpha * (field + gamma * rough("zero")) + d,
        f"the border is smoothed with zeros on all sides; {beyond}": alpha * (field + gamma * rough("zeros")) + d,
        "P is made of central differences, which do not see a checkerboard: it takes forward ones": (
            alpha * (field + gamma * rough("central")) + d
        ),
    }
    scale = d.abs().max().item() or 1.0
    for explanation, rest in equations.items():
        if rest.abs().max() <= 1e-10 * scale * (1 + 8 * gamma):
            return fail(f"{name}: {explanation}") if explanation else None
    for explanation, wrong in (mistakes or {}).items():
        if torch.allclose(field, wrong, rtol=1e-8, atol=1e-10 * scale):
            fail(f"{name}: {explanation}")
    left = (alpha * smooth + d).abs().max().item()
    fail(f"{name}: put into alpha (I + gamma P) v + d, the field leaves up to {left:.3g}, expected 0")


def transformed(d: Tensor, gamma: float, alpha: float) -> dict[str, Tensor]:
    """What cosine transforms used wrongly make of d: explanation -> field."""
    side = [torch.from_numpy(dct(np.eye(n), norm="ortho", axis=0)).to(d) for n in d.shape[2:]]
    value = [2 - 2 * (torch.pi / n * torch.arange(n, dtype=d.dtype)).cos() for n in d.shape[2:]]
    a, b = value[0][:, None], value[1]
    divide = -alpha * (1 + gamma * (a + b))
    rows, columns = side
    long = [torch.cat([2**0.5 * c[:1], c[1:]]) for c in side]
    there = rows @ d @ columns.T / divide

    def by(factor: Tensor) -> Tensor:
        return rows.T @ (rows @ d @ columns.T * factor) @ columns

    back = "you transform forward twice; the way back is by the transposes, C_Hᵀ … C_W"
    return {
        back: rows @ there @ columns.T,
        "the transposes are at the wrong ends: C_H d C_Wᵀ there, C_Hᵀ … C_W back": (
            rows @ (rows.T @ d @ columns / divide) @ columns.T
        ),
        "the way back is missing: that is the field's transform": there,
        "the eigenvalues of the two sides are multiplied: they add up, λ_i + λ_j": by(
            -1 / (alpha * (1 + gamma * a * b))
        ),
        "it is 1 + γ (λ_i + λ_j), a sum; not a product of 1 + γ λ_i and 1 + γ λ_j": (
            by(-1 / (alpha * (1 + gamma * a) * (1 + gamma * b)))
        ),
        "it is multiplied by 1 + γ (λ_i + λ_j): divide by it": by(divide / alpha**2),
        "γ multiplies λ_i alone: it multiplies the sum of both": by(-1 / (alpha * (1 + gamma * a + b))),
        "γ multiplies λ_j alone: it multiplies the sum of both": by(-1 / (alpha * (1 + a + gamma * b))),
        "the first row of the transforms is too long by √2": long[0].T @ (long[0] @ d @ long[1].T / divide) @ long[1],
    }
