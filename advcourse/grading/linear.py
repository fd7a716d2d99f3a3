"""Checks of a linear map of images and of its transpose: what is right is computed from the matrix, written out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from advcourse.grading.checks import SLACK, fail, tensor, values


def matrix(height: int, width: int, moves: Tensor, weights: Tensor, border: str = "replicated") -> Tensor:
    """The map of images, copies moved and added up, as a matrix ``(HW, HW)`` in float64.

    Args:
        moves: int64 ``(K, 2)``, rows and columns from each pixel to the one that it shows.
        weights: ``(K,)``.
        border: what is shown beyond it: ``replicated``, the pixels at the border; ``black``; or ``wrapped``, those of
            the other side.
    """
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    found = torch.zeros(height * width, height * width, dtype=torch.float64)
    for (down, right), weight in zip(moves.tolist(), weights.double().tolist(), strict=True):
        i, j = rows + down, columns + right
        inside = (i >= 0) & (i < height) & (j >= 0) & (j < width)
        if border == "wrapped":
            i, j = i % height, j % width
        i, j = i.clamp(0, height - 1), j.clamp(0, width - 1)
        share = weight * (inside.double() if border == "black" else torch.ones_like(rows, dtype=torch.float64))
        places = (torch.arange(height * width), (i * width + j).flatten())
        found.index_put_(places, share.flatten(), accumulate=True)
    return found


def shakes(function: Callable, images: Tensor, moves: Tensor, weights: Tensor) -> Tensor:
    """The images under the linear map."""
    name = function.__name__
    result = _linear(function, images, moves, weights)
    wrong = {
        "the images come back as they were": torch.eye(images[0, 0].numel(), dtype=torch.float64),
        "the copies move the other way: the pixel at i shows the one at i + r": _of(images, -moves, weights),
        "rows and columns are exchanged: a move is (r, c), down first": _of(images, moves.flip(1), weights),
        "the rows move the other way: the pixel at i shows the one at i + r": _of(images, moves * _turn(0), weights),
        "the columns move the other way: the pixel at j shows the one at j + c": _of(images, moves * _turn(1), weights),
        "the copies are added up without their weights": _of(images, moves, torch.ones_like(weights)),
        "beyond the border black is read, expected the pixel at the border": _of(images, moves, weights, "black"),
        "what leaves on one side comes in on the other, expected the pixel at the border": _of(
            images, moves, weights, "wrapped"
        ),
        "the weights belong to the moves in reverse": _of(images, moves, weights.flip(0)),
        "the weights are divided by their sum: take them as they are": _of(
            images, moves, weights / weights.sum().clamp_min(1e-9)
        ),
        "every copy has the same weight": _of(images, moves, torch.full_like(weights, 1 / len(weights))),
    }
    _compare(result, images, _of(images, moves, weights).T, {e: m.T for e, m in wrong.items()}, name)
    return result


def transposes(function: Callable, gradients: Tensor, moves: Tensor, weights: Tensor) -> Tensor:
    """The gradients under the transposed map."""
    name, size = function.__name__, gradients.shape[2:]
    result = _linear(function, gradients, moves, weights)
    right = _of(gradients, moves, weights)
    wrong = {
        "the images come back as they were": torch.eye(len(right), dtype=torch.float64),
        "that is A itself: what A reads from, the transpose adds to": right.T,
        "that is A with its moves turned round, right inside only: at the border several places read one pixel, and "
        "all of them give back to it": _of(gradients, -moves, weights).T,
        "what was read from the border is not given back to it: its pixels stood in for those beyond": _of(
            gradients, moves, weights, "black"
        ),
        "what was read from the border is given back on the other side": _of(gradients, moves, weights, "wrapped"),
        "the weights are left out": _of(gradients, moves, torch.ones_like(weights)),
        "rows and columns are exchanged": _of(gradients, moves.flip(1), weights),
        "rows and columns are transposed, but the copies are those of the moves turned round": _of(
            gradients, -moves, weights
        ),
        "the weights belong to the moves in reverse": _of(gradients, moves, weights.flip(0)),
        "it is divided by how much each pixel gets: that is a mean, expected a sum": right
        / right.sum(0).where(right.sum(0).abs() > 1e-12, 1.0),
    }
    overwritten = torch.zeros_like(gradients)
    i, j = (torch.arange(side) for side in size)
    for (down, along), weight in zip(moves.tolist(), weights, strict=True):
        rows, columns = (i + down).clamp(0, size[0] - 1), (j + along).clamp(0, size[1] - 1)
        overwritten[:, :, rows[:, None], columns] += weight * gradients
    if not _near(overwritten.double(), (gradients.double().flatten(2) @ right).view(gradients.shape), gradients):
        if _near(result.double(), overwritten.double(), gradients):
            fail(
                f"{name}: where a pixel was read several times only one of them counts: `out[…, rows, columns] += …` "
                "adds once for each place. index_add_ and index_put_(accumulate=True) add every time"
            )
    _compare(result, gradients, right, wrong, name)
    return result


def product(shake: Tensor, back: Tensor, images: Tensor, gradients: Tensor, name: str) -> None:
    """⟨A x, v⟩ = ⟨x, Aᵀ v⟩."""
    left, right = (shake.double() * gradients.double()).sum().item(), (images.double() * back.double()).sum().item()
    if not math.isclose(left, right, rel_tol=1e-9 if images.dtype == torch.float64 else 1e-3, abs_tol=1e-3 * SLACK):
        fail(f"{name}: ⟨A x, v⟩ = {left:.6g} but ⟨x, Aᵀ v⟩ = {right:.6g}: the two should be equal for all x and v")


def pulls(
    function: Callable, images: Tensor, moves: Tensor, weights: Tensor, slope: Callable[[Tensor], Tensor]
) -> None:
    """The gradient of a loss of the shaken image: that at the shaken image, brought back."""
    name = function.__name__
    right = _of(images, moves, weights)
    seen = (images.double().flatten(2) @ right.T).view(images.shape).to(images.dtype)
    asked: list[Tensor] = []

    def gradient_at(points: Tensor) -> Tensor:
        asked.append(points.detach().clone())
        return slope(points)

    with _without_gradients(name):
        given = images.clone()
        result = function(gradient_at, given, moves.clone(), weights.clone())
        found = tensor(result, name, shape=images.shape, dtype=images.dtype)
    _untouched(given, images, result, name)
    if not asked:
        fail(f"{name} did not call gradient_at")
    if not any(_near(p.double(), seen.double(), images) for p in asked if p.shape == images.shape):
        if any(p.shape == images.shape and _near(p.double(), images.double(), images) for p in asked):
            fail(f"{name}: the network's gradient is taken at x, expected at A x, which is what the network sees")
        fail(f"{name}: gradient_at was asked about other images than A x")
    there = slope(seen)
    wrong = {
        "the gradient at A x is returned as it is: bring it back through Aᵀ": torch.eye(len(right)).to(right),
        "the gradient at A x went through A, expected through Aᵀ": right.T,
        "on the way back rows and columns of the moves are exchanged": _of(images, moves.flip(1), weights),
        "on the way back the moves are turned round: that is right inside only": _of(images, -moves, weights),
    }
    _compare(found, there, right, wrong, name)


def _of(images: Tensor, moves: Tensor, weights: Tensor, border: str = "replicated") -> Tensor:
    height, width = images.shape[2:]
    return matrix(height, width, moves, weights, border)


def _turn(axis: int) -> Tensor:
    return 1 - 2 * torch.eye(2, dtype=torch.int64)[axis]


def _linear(function: Callable, images: Tensor, moves: Tensor, weights: Tensor) -> Tensor:
    """What a linear map makes of the images, where nothing is differentiated automatically."""
    name, given, others = function.__name__, images.clone(), (moves.clone(), weights.clone())
    with _without_gradients(name):
        result = function(given, *others)
        found = tensor(result, name, shape=images.shape, dtype=images.dtype)
    _untouched(given, images, result, name)
    if not torch.equal(others[0], moves) or not torch.equal(others[1], weights):
        fail(f"{name} overwrote moves or weights")
    return found


@contextmanager
def _without_gradients(name: str) -> Iterator[None]:
    try:
        with torch.inference_mode():
            yield
    except RuntimeError as error:
        if any(word in str(error) for word in ("grad", "nference", "forward AD", "vjp")):
            fail(
                f"{name} asks for automatic differentiation, which is switched off here: compute the transpose yourself"
            )
        raise


def _untouched(given: Tensor, images: Tensor, result: object, name: str) -> None:
    if not torch.equal(given, images):
        fail(f"{name} overwrote its input: the caller's tensor changed. Work on a copy")
    if given.requires_grad:
        fail(f"{name} left requires_grad set on the caller's tensor. Work on a copy")
    if isinstance(result, Tensor) and result.untyped_storage().data_ptr() == given.untyped_storage().data_ptr():
        fail(f"{name} returned the caller's own tensor: return new data")


def _near(actual: Tensor, expected: Tensor, like: Tensor) -> bool:
    return torch.allclose(actual, expected, rtol=0, atol=_allowed(expected, like))


def _allowed(expected: Tensor, like: Tensor) -> float:
    """What rounding may take, in the precision of ``like``."""
    return (1e-9 if like.dtype == torch.float64 else 2e-5) * max(1.0, expected.abs().max().item())


def _compare(result: Tensor, given: Tensor, right: Tensor, wrong: dict[str, Tensor], name: str) -> None:
    """``result`` is ``given`` (rows of pixels) times ``right``; otherwise says which of the wrong matrices it shows."""
    rows = given.double().flatten(2)

    def under(other: Tensor) -> Tensor:
        return (rows @ other).view(given.shape)

    expected, mistakes = under(right), {explanation: under(other) for explanation, other in wrong.items()}
    values(result.double(), expected, name, mistakes, rtol=0, atol=_allowed(expected, given))
