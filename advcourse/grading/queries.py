"""Checks of what asks an oracle: they keep every query and every answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor

from advcourse.blackbox import Oracle, QueryBudgetExceeded
from advcourse.core.oracles import TopK
from advcourse.grading.checks import SLACK, fail, no_graph, tensor

_OTHER = " (or are queries billed to another image?)"
_ORDER = ": `rows` follows the order of the points (where these come image by image: repeat_interleave, not repeat)"


class Watched(Oracle):
    """An oracle that keeps what it is asked and what it answers; arguments as of ``Oracle``."""

    def __init__(self, model: Callable[[Tensor], Tensor], **settings: Any):
        super().__init__(model, **settings)
        self.forget()

    def forget(self) -> None:
        """Begin anew; what was billed stays billed."""
        self._points: list[Tensor] = []
        self._rows: list[Tensor] = []
        self._answers: list[Tensor] = []
        self.refused = ""

    def __call__(self, x: Tensor, rows: Tensor | None = None) -> Tensor | TopK:
        try:
            answers = super().__call__(x, rows)
        except Exception as error:
            self.refused = f"the oracle refused a call: {error}"
            if isinstance(error, QueryBudgetExceeded):
                self.refused += ". Ask `left` before; bill each query to its image"
            if isinstance(x, Tensor) and not len(x):
                self.refused = "the oracle was asked about no points: stop when no image is active"
            raise
        self._points.append(x.detach().clone())
        self._rows.append((torch.arange(len(x)) if rows is None else rows).clone())
        self._answers.append((answers.classes if isinstance(answers, TopK) else answers).clone())
        return answers

    def asked(self, n: int) -> tuple[Tensor, Tensor]:
        """The points asked about for image ``n``, in order, and the answers (of a list, the classes)."""
        if not self._points:
            return torch.zeros(0), torch.zeros(0)
        mine = torch.cat(self._rows) == n
        return torch.cat(self._points)[mine], torch.cat(self._answers)[mine]


def call(oracle: Watched, function: Callable, *arguments: object, traces: bool = True, settings: bool = False) -> Any:
    """``function(oracle, *arguments)``, on copies, where the oracle refuses nothing.

    Args:
        traces: whether tensors given have to stay as they are, and global random numbers to be left alone.
        settings: whether ``requires_grad`` of tensors and the seeds of generators have to stay too.
    """
    name = function.__name__
    oracle.forget()
    copies = [a.clone() if isinstance(a, Tensor) else a for a in arguments]
    seeds = [a.initial_seed() if isinstance(a, torch.Generator) else None for a in arguments]
    state = torch.get_rng_state()
    try:
        result = function(oracle, *copies)
    except Exception:
        if not oracle.refused:
            raise
    if oracle.refused:
        fail(f"{name}: {oracle.refused}")
    if traces and not torch.equal(state, torch.get_rng_state()):
        fail(f"{name} draws from PyTorch's global random numbers: hand `generator=generator` to what draws")
    for now, then, seed in zip(copies, arguments, seeds, strict=True):
        if traces and isinstance(then, Tensor) and not torch.equal(cast(Tensor, now), then):
            fail(f"{name} overwrote its input: the caller's tensor changed. Work on a copy")
        if settings and isinstance(then, Tensor) and cast(Tensor, now).requires_grad != then.requires_grad:
            fail(f"{name} left requires_grad set on a tensor that it was given: work on a copy")
        if settings and isinstance(then, torch.Generator) and then.initial_seed() != seed:
            fail(f"{name} seeds the generator again: whoever gave it has seeded it")
    given = {a.untyped_storage().data_ptr() for a in copies if isinstance(a, Tensor) and a.numel()}
    for back in result if isinstance(result, (tuple, list)) else (result,):
        if traces and isinstance(back, Tensor) and back.numel() and back.untyped_storage().data_ptr() in given:
            fail(f"{name} returned the caller's own tensor: return a copy")
    return result


def ranks(function: Callable, oracle: Watched, images: Tensor, targets: Tensor, copies: int, mu: float) -> Tensor:
    """A score from lists of classes: opposite Gaussian copies of each image, and the mean rank of its target."""
    name = function.__name__
    raw = call(oracle, function, images, targets, copies, mu, torch.Generator().manual_seed(5), settings=True)
    result = tensor(raw, name, shape=(len(images),), dtype=images.dtype)
    assert oracle.k is not None
    drawn = []
    for n in range(len(images)):
        points, classes = oracle.asked(n)
        if len(points) != copies:
            fail(f"{name} asked {len(points)} queries for image {n}, expected {copies}")
        moves = (points.double() - images[n].double()).flatten(1) / mu
        edge = ((images[n] == 0) | (images[n] == 1)).flatten()
        if edge.any() and (moves[:, edge].abs() < 1e-9).double().mean() > 0.3:
            fail(f"{name}: copies are cut to [0, 1]: ask about them as they are")
        gap = torch.cdist(moves, -moves).amin(1) if len(moves) else moves.new_zeros(0)
        if (gap > 1e-3 * max(1.0, moves.abs().max().item())).any():
            fail(f"{name}: the copies of image {n} do not come in pairs x + μu and x - μu{_whose(points, images, n)}")
        drawn.append(moves)
        place = (classes == targets[n]).double() * torch.arange(oracle.k, 0, -1, dtype=torch.float64)
        expected, listed = place.sum(1) / oracle.k, (classes == targets[n]).any(1)
        mistakes = {
            "": expected.mean(),
            "that is the share of the copies that list the target: its place counts too": listed.double().mean(),
            "divide by the length k of the list": expected.mean() * oracle.k,
            "the first place counts k, the last 1: places are counted from 0": (
                ((place - 1) * (place > 0)).sum(1) / oracle.k
            ).mean(),
            "that is a sum over the copies: take the mean": expected.sum(),
            "only the copies that list the target are averaged: the others count 0": (
                expected.sum() / listed.sum().clamp_min(1)
            ),
            "the last place counts most: the first is to": ((oracle.k + 1 - place) * listed.double()[:, None])
            .where(place > 0, 0.0)
            .sum(1)
            .div(oracle.k)
            .mean(),
        }
        for word, value in mistakes.items():
            if abs(result[n].item() - float(value)) < 1e-6 * max(1.0, abs(float(value))):
                if word:
                    fail(f"{name}, image {n}, is {result[n]:.4g}, expected {mistakes['']:.4g}: {word}")
                break
        else:
            fail(f"{name}, image {n}, is {result[n]:.4g}, expected {mistakes['']:.4g} from the lists that it got")
    moves = torch.stack(drawn)
    if moves.shape[2] >= 40:
        size = moves.square().mean().item()
        if abs(size - 1) > max(0.25, 8 * (4 / moves.numel()) ** 0.5) or (
            moves.numel() > 2000 and moves.abs().max() < 2
        ):
            told = f"{name}: copies move pixels by {mu * size**0.5:.3g} (root mean square)"
            fail(f"{told}, expected Gaussian noise of μ = {mu:g}")
        if len(moves) > 1 and torch.cdist(moves[0], moves[1]).min() < 1e-3:
            fail(f"{name}: two images get the same noise: draw for every image")
        if moves.shape[1] > 2 and (torch.cdist(moves[0], moves[0]) < 1e-3).sum() > moves.shape[1]:
            fail(f"{name}: the copies of an image all get the same noise: draw for every pair")
    return result


def bisects(
    function: Callable, oracle: Watched, images: Tensor, starts: Tensor, targets: Tensor, queries: int
) -> tuple[Tensor, Tensor]:
    """A search by bisection for the smallest linf ball in which the start, cut to it, still has its target listed."""
    name = function.__name__
    found = call(oracle, function, images, starts, targets, queries, settings=True)
    if not isinstance(found, (tuple, list)) or len(found) != 2:
        fail(f"{name} should return two tensors: the images and their radii")
    result = tensor(found[0], f"{name} (the images)", shape=images.shape, dtype=images.dtype)
    radii = tensor(found[1], f"{name} (the radii)", shape=(len(images),), dtype=images.dtype, finite=False)
    no_graph(found[0], name)
    for n in range(len(images)):
        points, classes = oracle.asked(n)
        listed = (classes == targets[n]).any(1) if len(points) else torch.zeros(0, dtype=torch.bool)
        way = starts[n] - images[n]
        low, high = 0.0, way.abs().max().item()
        if not len(points) or not same(points[0], starts[n]):
            others = [s for s in range(len(starts)) if len(points) and same(points[0], starts[s])]
            whose = f", not about that of image {others[0]}{_ORDER}" if others else _OTHER
            fail(f"{name}: the first query of image {n} should be about its start, as it is{whose}")
        if not listed[0]:
            if len(points) > 1:
                fail(f"{name}: the start of image {n} has its target not listed, and {len(points) - 1} more were asked")
            if not same(result[n], starts[n]) or radii[n] != torch.inf:
                fail(
                    f"{name}: image {n}, whose start has its target not listed: expected the start and a radius of inf"
                )
            continue
        other = None
        for i in range(1, len(points)):
            middle = (low + high) / 2
            expected = images[n] + way.clamp(-middle, middle)
            if not same(points[i], expected):
                told = f"{name}: query {i + 1} of image {n} should be about the start cut to a radius of {middle:.4g}"
                if same(points[i], images[n] + way * (middle / max(way.abs().max().item(), 1e-12))):
                    fail(f"{told}: that is a mixture of image and start; cut every pixel's difference to ± the radius")
                if other is not None and same(points[i], images[n] + way.clamp(-other, other)):
                    was = "was" if listed[i - 1] else "was not"
                    fail(f"{told}: at the radius before it {was} listed, and the search goes on in the wrong half")
                if other is not None and same(points[i], images[n] + way.clamp(-2 * other, 2 * other)):
                    fail(f"{told}: is the other end of the interval kept?")
                most = (points[i] - images[n]).abs().max()
                fail(f"{told}; it differs from the image by up to {most:.4g}{_OTHER}")
            low, high, other = (low, middle, (middle + high) / 2) if listed[i] else (middle, high, (low + middle) / 2)
        if len(points) != queries:
            fail(f"{name} asked {len(points)} queries for image {n}, expected {queries}, that about the start included")
        if abs(radii[n].item() - high) > SLACK:
            ends = {low: "is one at which it is not", (low + high) / 2: "was not asked about"}
            word = next((w for r, w in ends.items() if abs(radii[n].item() - r) < SLACK), "is another")
            told = f"{name}: image {n}: the smallest radius at which the target was seen listed is {high:.6g}"
            fail(f"{told}; {radii[n]:.6g} {word}")
        if not same(result[n], images[n] + way.clamp(-high, high)):
            fail(f"{name}: image {n} should come back cut to its radius {high:.4g}, as it was seen with its target")
    return result, radii


def _whose(points: Tensor, images: Tensor, n: int) -> str:
    """Ends what is said of points billed to image n: many of them may lie nearer to others."""
    nearest = torch.cdist(points.flatten(1).double(), images.flatten(1).double()).argmin(1)
    if (nearest != n).double().mean() < 0.3:
        return _OTHER
    return f". Many of them lie nearer to another image{_ORDER}"


def same(a: Tensor, b: Tensor) -> bool:
    """Equal up to rounding of a float32 pixel."""
    return bool(torch.allclose(a.double(), b.double(), rtol=0, atol=SLACK))
