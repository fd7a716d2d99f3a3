"""Checks of gradients that are estimated from scores: they keep what a student's function asks, and judge it by that.

Whichever way the random directions are drawn, the points that were asked about tell them, and the answers to these
points tell the estimate: with n points x + σuᵢ, which come in opposite pairs, it is ``1/(nσ) Σ uᵢ ℓ(x + σuᵢ)``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor

from advcourse.grading.checks import close, fail, no_graph, tensor
from advcourse.grading.draws import unseen

Score = Callable[[Tensor, Tensor], Tensor]
_NEAR = 1e-3
"""What a direction may be off by rounding, relative to an entry of 1: also in float32, where σ is at least 0.01."""


class Recorded:
    """A score ``(points, rows) -> (M,)`` that keeps its questions and answers.

    Args:
        score: the scores of points ``(M, C, H, W)`` that belong to the images ``rows``, int64 ``(M,)``.
        images: ``(N, C, H, W)``.
    """

    def __init__(self, score: Score, images: Tensor):
        self.score, self.images = score, images
        self.points: list[Tensor] = []
        self.rows: list[Tensor] = []
        self.values: list[Tensor] = []

    def __call__(self, points: Tensor, rows: Tensor) -> Tensor:
        shape = tuple(self.images.shape[1:])
        if type(points) is not Tensor or points.dim() != 4 or tuple(points.shape[1:]) != shape:
            came = tuple(points.shape) if type(points) is Tensor else type(points).__name__
            fail(f"score was asked about {came}; expected points (M, {', '.join(map(str, shape))})")
        if points.dtype != self.images.dtype:
            fail(f"score was asked about {points.dtype}; the images are {self.images.dtype}: keep their dtype")
        if type(rows) is not Tensor or rows.dtype != torch.int64 or tuple(rows.shape) != (len(points),):
            came = f"{rows.dtype} {tuple(rows.shape)}" if type(rows) is Tensor else type(rows).__name__
            fail(f"score got rows of {came}; expected int64 ({len(points)},): the image of each point")
        if len(rows) and not 0 <= int(rows.min()) <= int(rows.max()) < len(self.images):
            fail(f"score got rows from {int(rows.min())} to {int(rows.max())}; there are {len(self.images)} images")
        values = self.score(points, rows)
        self.points.append(points.detach().double().clone())
        self.rows.append(rows.clone())
        self.values.append(values.detach().double().clone())
        return values

    def moves(self, samples: int, sigma: float, name: str) -> tuple[Tensor, Tensor]:
        """Directions ``(N, n, P)``, of all points asked about, and the answers to them ``(N, n)``."""
        if not self.points:
            fail(f"{name} did not ask the score at all")
        points, rows, values = torch.cat(self.points), torch.cat(self.rows), torch.cat(self.values)
        for n, count in enumerate(torch.bincount(rows, minlength=len(self.images)).tolist()):
            if count == 2 * samples:
                fail(f"{name} asked {count} queries for image {n}: samples = {samples} counts queries, not pairs")
            if count != samples:
                fail(
                    f"{name} asked {count} queries for image {n}, expected {samples} for every image: are points and "
                    "rows in the same order, and is the image itself left out?"
                )
        self._billed(points, rows, sigma, name)
        order = rows.argsort(stable=True)
        shape = (len(self.images), samples, self.images[0].numel())
        moves = points[order].flatten(1).view(shape) - self.images.detach().double().flatten(1)[:, None]
        return moves / sigma, values[order].view(shape[:2])

    def _billed(self, points: Tensor, rows: Tensor, sigma: float, name: str) -> None:
        """No point is at the right distance from another image than the one that it is billed to."""
        far = torch.cdist(points.flatten(1), self.images.detach().double().flatten(1))
        right = (far / (sigma * math.sqrt(self.images[0].numel())) - 1).abs() < _NEAR
        wrong = (right.any(1) & ~right[torch.arange(len(rows)), rows]).nonzero()[:, 0].tolist()
        if len(wrong) > len(rows) / 4:
            fail(
                f"{name}: point {wrong[0]} is billed to image {int(rows[wrong[0]])} but does not lie near it: `rows` "
                "follows the order of the points (where these come image by image: repeat_interleave, not repeat)"
            )


def asked(
    function: Callable, score: Score, images: Tensor, samples: int, sigma: float, generator: torch.Generator
) -> tuple[object, Tensor, Tensor]:
    """What ``function`` returns, whatever it is; the directions ``(N, n, P)`` that it asked about, and the answers."""
    recorded = Recorded(score, images)
    result = function(recorded, images.clone(), samples, sigma, generator)
    return result, *recorded.moves(samples, sigma, function.__name__)


def right(images: Tensor, moves: Tensor, values: Tensor, sigma: float) -> Tensor:
    """The estimate from all points asked about; scaled to be right on average where these lie at another distance."""
    lengths = moves.square().sum(2)
    if lengths.std(correction=0) < _NEAR * lengths.mean() and (moves.abs() * (moves.abs() - 1)).abs().max() > _NEAR:
        sigma = sigma * float(lengths.mean()) / moves.shape[2]
    around = values - values.mean(1, keepdim=True)  # opposite points add up to nothing, but for the rounding of both
    return ((moves * around[:, :, None]).sum(1) / (values.shape[1] * sigma)).view(images.shape)


def agrees(
    function: Callable, score: Score, images: Tensor, samples: int, sigma: float, generator: torch.Generator
) -> Tensor:
    """The estimate, which is the one that belongs to the points and answers; otherwise says what it is. No trace."""
    name, recorded, given = function.__name__, Recorded(score, images), images.clone()
    with torch.random.fork_rng(devices=[]):
        torch.rand(1)  # another state than one that the function itself may have left before
        state = torch.get_rng_state()
        result = function(recorded, given, samples, sigma, generator)
        if not torch.equal(state, torch.get_rng_state()):
            fail(f"{name} moves PyTorch's global random numbers: draw from the generator that it is given")
    moves, values = recorded.moves(samples, sigma, name)
    if not torch.equal(given, images):
        fail(f"{name} overwrote the images that it was given: work on a copy")
    if given.requires_grad:
        fail(f"{name} left requires_grad set on the images that it was given: work on a copy")
    kept = tensor(result, name, shape=images.shape, dtype=images.dtype)
    no_graph(cast(Tensor, result), name)
    expected, n = right(images, moves, values, sigma), values.shape[1]
    slack = 1e-5 if images.dtype == torch.float64 else 2e-4  # directions may be drawn in float32
    scale = max(1.0, expected.abs().max().item(), values.abs().max().item())
    found = kept.double()
    mistakes = {
        "": 1.0,
        "it points the wrong way: the score falls along it": -1.0,
        "it is twice too long: the two points of a pair are 2σ apart": 2.0,
        "it is half as long: is the mean over pairs taken, of which there are samples / 2?": 0.5,
        "is it divided by σ?": sigma,
        "is it divided by 2σ?": 2 * sigma,
        "is it divided by 2, but not by σ?": sigma / 2,
        "it is divided by σ twice": 1 / sigma,
        "it is a sum over the pairs: take the mean": n / 2,
        "it is a sum over the points: take the mean": float(n),
        "it is too long by P, the number of pixels": float(images[0].numel()),
        "it is too short by P, the number of pixels: are the directions unit vectors?": 1 / images[0].numel(),
        "it is too long by the root of the number of pixels": math.sqrt(images[0].numel()),
        "it is too short by the root of the number of pixels": 1 / math.sqrt(images[0].numel()),
    }
    for explanation, factor in mistakes.items():
        if torch.allclose(found, factor * expected, rtol=slack, atol=slack * scale):
            if explanation:
                fail(f"{name}: {explanation}")
            return kept
    mean = expected.mean(0, keepdim=True).expand_as(found)
    if len(found) > 1 and torch.allclose(found, mean, rtol=slack, atol=slack * scale):
        fail(f"{name}: every image gets the mean over the batch, expected its own estimate")
    worst = int((found - expected).abs().argmax())
    gives, make = (f"{numbers.flatten()[worst]:.4g}" for numbers in (found, expected))
    if gives == make:
        gives, make = (f"{numbers.flatten()[worst]:.10g}" for numbers in (found, expected))
    fail(
        f"{name} gives {gives} where the answers that it got make {make}"
        ": is each difference of two answers put together with the direction of its own pair and image?"
    )


def signs(images: Tensor, moves: Tensor, sigma: float, name: str) -> None:
    """Every entry of every direction is +1 or -1, opposite points come in pairs; each pair has its own direction."""
    _unclipped(images, moves, 1 - _NEAR, name)
    sizes = moves.abs()
    if (sizes - 1).abs().max() > _NEAR:
        least, most = sizes.min().item(), sizes.max().item()
        told = f"{name} moves pixels by {least * sigma:.3g} to {most * sigma:.3g}"
        fail(f"{told}, expected σ = {sigma:g} for every pixel: directions have entries +1 and -1, and nothing else")
    flipped = [[tuple(row) for row in (moves[n].sign() * s).int().tolist()] for n in range(len(moves)) for s in (1, -1)]
    for n in range(len(moves)):
        there, opposite = sorted(flipped[2 * n]), sorted(flipped[2 * n + 1])
        if there != opposite:
            fail(f"{name}: the points of image {n} do not come in pairs x + σu and x - σu")
    many, pixels = moves.shape[1] >= 80, moves.shape[2]
    if many and pixels >= 40:
        alike = moves.sign().transpose(1, 2) @ moves.sign() / moves.shape[1]
        if (alike.sum((1, 2)) - pixels).mean() > 0.3 * pixels * (pixels - 1):
            fail(f"{name}: +1 and -1 should be equally likely for every pixel")
    _own_directions(moves.sign(), name)
    if many and pixels >= 40 and (alike - torch.eye(pixels, dtype=alike.dtype)).abs().max() > 1 - 1e-9:
        fail(f"{name}: some pixels always move together: draw for every pixel of every channel")


def orthogonal(images: Tensor, moves: Tensor, name: str) -> None:
    """Directions of length √P, at right angles to each other but for the opposite ones."""
    length = math.sqrt(moves.shape[2])
    _unclipped(images, moves, 0.0, name)
    lengths = moves.norm(dim=2)
    if (lengths / length - 1).abs().max() > _NEAR:
        least, most = lengths.min().item(), lengths.max().item()
        if abs(least - 1) < _NEAR > abs(most - 1):
            fail(f"{name}: the points lie σ away from the image, expected σ√P: the unit vectors q are to be stretched")
        _in_rows(moves, name)
        fail(f"{name}: directions have lengths from {least:.4g} to {most:.4g}, expected √P = {length:.4g} for each")
    for n, directions in enumerate(moves):
        table = directions @ directions.T / moves.shape[2]
        opposite = (table < -1 + _NEAR).sum(1)
        if (opposite == 0).any():
            fail(f"{name}: the points of image {n} do not come in pairs x + σv and x - σv")
        if (opposite > 1).any():
            fail(f"{name}: the same direction is asked about more than once")
        between = table[(table.abs() < 1 - _NEAR)]
        if len(between) and between.abs().max() > _NEAR:
            _in_rows(moves, name)
            fail(f"{name}: directions of image {n} have a cosine of {between.abs().max():.3g}, expected right angles")
        if moves.shape[2] > 1 and (directions.abs().amax(1) > (1 - _NEAR) * length).all():
            fail(f"{name}: each direction moves one pixel alone: draw them at random among all directions")
    _own_directions(moves, name)


def all_ways(function: Callable, samples: int = 2, pixels: int = 6, count: int = 600) -> None:
    """Directions have no preference: the mean of v vᵀ over many draws is the unit matrix."""
    images = torch.full((count, 1, 1, pixels), 0.5, dtype=torch.float64)
    generator = unseen()
    _, moves, _ = asked(function, lambda points, rows: points.flatten(1)[:, 0], images, samples, 0.1, generator)
    spread = torch.einsum("nki,nkj->ij", moves, moves) / (samples * count)
    if (spread - torch.eye(pixels, dtype=torch.float64)).abs().max() > 0.35:
        fail(
            f"{function.__name__}: over many draws some directions are preferred, so the estimate is not the gradient "
            "on average. What is made orthogonal has to have no preferred direction itself, and its mean is 0"
        )


def draws(function: Callable, images: Tensor, samples: int, sigma: float) -> None:
    """The generator alone decides: the same state gives the same directions, the next state others."""
    name = function.__name__

    def score(points: Tensor, rows: Tensor) -> Tensor:
        return points.flatten(1).sum(1)

    generator, state = torch.Generator().manual_seed(3), torch.get_rng_state()
    _, first, _ = asked(function, score, images, samples, sigma, generator)
    _, second, _ = asked(function, score, images, samples, sigma, generator)
    _, again, _ = asked(function, score, images, samples, sigma, torch.Generator().manual_seed(3))
    if not torch.equal(state, torch.get_rng_state()):
        fail(f"{name} draws from PyTorch's global random numbers: hand `generator=generator` to what draws")
    if torch.allclose(first, second):
        fail(f"{name}: two calls with one generator ask about the same points: do not seed it, the caller has")
    close(again, first, f"{name}: two generators in the same state should give the same points")


def without_pairs(score: Score, images: Tensor, samples: int, sigma: float, generator: torch.Generator) -> Tensor:
    """For comparison: the estimate without pairs, from directions of +1 and -1."""
    shape = (len(images), samples, *images.shape[1:])
    u = torch.randint(2, shape, generator=generator).to(images.dtype) * 2 - 1
    rows = torch.arange(len(images)).repeat_interleave(samples)
    with torch.no_grad():
        values = score((images[:, None] + sigma * u).flatten(0, 1), rows).view(shape[:2])
        return torch.einsum("nk,nkchw->nchw", values.to(u.dtype), u) / (samples * sigma)


def _unclipped(images: Tensor, moves: Tensor, least: float, name: str) -> None:
    """Points were not cut to the box: those of black or white pixels move outwards too."""
    x = images.detach().double().flatten(1)[:, None].expand_as(moves)
    out = ((x == 0) & (moves < -1e-9)) | ((x == 1) & (moves > 1e-9))
    edge = (x == 0) | (x == 1)
    if edge.any() and not out.any() and (moves.abs()[edge] < max(least, 1e-9)).any():
        fail(f"{name}: points are cut to [0, 1], so the two of a pair are not opposite: ask about them as they are")


def _in_rows(moves: Tensor, name: str) -> None:
    """Where the directions are what a reshape makes of orthonormal columns, says so."""
    n, pixels = moves.shape[1:]
    for some in (moves[:, : n // 2], moves[:, ::2]):
        columns = some.reshape(len(some), pixels, n // 2)
        table = columns.transpose(1, 2) @ columns
        table = table / table.diagonal(dim1=1, dim2=2).mean().clamp_min(1e-30)
        if n > 2 and (table - torch.eye(n // 2, dtype=table.dtype)).abs().max() < _NEAR:
            fail(
                f"{name}: directions are not at right angles and of one length: q has its vectors in columns: move "
                "them to the second axis (transpose(1, 2)) before you reshape"
            )


def _own_directions(moves: Tensor, name: str) -> None:
    """No two pairs of an image, and no two images, have the same directions; for many pixels."""
    count, n, pixels = moves.shape
    if pixels < 40:
        return
    table = moves @ moves.transpose(1, 2) / pixels
    if n > 2 and ((table.abs() > 1 - _NEAR).sum(2) > 2).any():
        fail(f"{name}: several pairs of one image have the same direction: draw a new one for every pair")
    first = moves[:, 0]
    across = torch.einsum("ap,bkp->abk", first, moves).abs().amax(2) / pixels
    if (across - torch.eye(count, dtype=across.dtype) > 1 - _NEAR).any():
        fail(f"{name}: two images of the batch get the same directions: draw for every image")
