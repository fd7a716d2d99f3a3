"""Square Attack: random search over squares, by scores alone."""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor

from advcourse.core.balls import NORMS, norms, project
from advcourse.core.iterates import Strongest
from advcourse.core.losses import ImageLoss, log_odds, margin, rising
from advcourse.core.oracles import SCORES, Asked, check_reveals, keeping, scores_of
from advcourse.core.running import Model, detached, is_fooled, logits_of, untouched
from advcourse.core.streams import Streams
from advcourse.core.validation import (
    check_above,
    check_at_least,
    check_at_most,
    check_choice,
    check_count,
    check_indices,
    check_inputs,
)

SCORES_LOSSES: dict[str, ImageLoss] = {"margin": margin, "ce": log_odds}
HALVINGS = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)
TILES = 5


def square(
    model: Model | Asked,
    images: Tensor,
    labels: Tensor,
    *,
    eps: float,
    norm: str = "linf",
    queries: int = 5000,
    p_init: float = 0.8,
    restarts: int = 1,
    loss: str = "margin",
    targets: Tensor | None = None,
    seed: int = 0,
    indices: Tensor | None = None,
) -> Tensor:
    """Square Attack: changes a random square of each image, and keeps the change where the loss rises.

    Query i of an image shows::

        linf:    δ = ±ε in a square of s × s pixels, with one sign a channel, and as before outside
        l2, l1:  one window is emptied, and what it held, with what the ball has left, fills another: there δ becomes
                 the sum of what it was and of a random bump, ± a channel, at that length
        x̃ = x + δ, in the ball and the box

    and keeps x̃ where the loss is higher than that of the best so far. In linf the first δ are stripes of ±ε, one sign a
    column and channel, in l2 and l1 a chessboard of bumps. s² is a share p of the pixels, that starts at ``p_init``
    and is halved after 10, 50, 200, 500, 1000, 2000, 4000, 6000 and 8000 in 10000 of a run's queries. Squares lie
    anywhere in the image; in the authors' code never on its last row and column.

    An image leaves as soon as it is fooled, and costs one forward pass a query. The first is the look at the image
    itself: no image is shown more than ``queries`` times in all, and nothing is asked about it after success.

    Args:
        model: maps images to logits ``(N, K)``, K ≥ 2, or to other scores that rank the classes; needs no gradient. Or
            an oracle that reveals logits or probabilities: an image leaves when its budget is spent.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``.
        eps: radius of the ball, in pixel units of [0, 1].
        norm: ``"linf"``, ``"l2"`` or ``"l1"``.
        queries: at most so many per image, those of all restarts and the look at the image itself included.
        p_init: the first share p, in (0, 1].
        restarts: runs, which share the queries evenly.
        loss: ``"margin"``, maxₖ zₖ - z_y over the other classes k, or ``"ce"``, the cross-entropy.
        targets: int64 ``(N,)``: the classes to reach; their loss is then lowered.
        seed, indices: of the random draws, see ``core.streams``; an oracle bills queries to ``indices`` too.

    Returns:
        Images ``(N, C, H, W)`` in [0, 1], within ``eps`` of ``images``, without a graph: the misclassified (or
        predicted as their target) untouched, those fooled as they were at that query, of the others the strongest.

    Raises:
        OracleError: where the oracle fails; what was found by then is in its ``images``.
        ValueError: for bad input; the message names the argument.

    Source: Andriushchenko, Croce, Flammarion & Hein 2020, arXiv:1912.00049; l1: Croce & Hein 2021, arXiv:2103.01208.
    """
    check_inputs(model, images, labels, targets)
    check_at_least(0, eps=eps)
    check_choice("norm", norm, NORMS)
    check_count(queries=queries, restarts=restarts)
    check_above(0, p_init=p_init)
    check_at_most(1, p_init=p_init)
    check_choice("loss", loss, tuple(SCORES_LOSSES))
    if indices is not None:
        check_indices(indices, images)
    oracle = model if isinstance(model, Asked) else None
    if oracle is not None:
        check_reveals(oracle, SCORES, "model")
    with untouched(model, images), torch.no_grad(), keeping(lambda: found()):
        x = detached(images)
        everything = torch.arange(len(x), device=x.device)
        numbers = everything if indices is None else indices
        strongest = kept = Strongest(x)

        def found() -> Tensor:
            strongest.see(kept.images, kept.fooled, kept.loss, everything)
            return strongest.images

        def ask(shown: Tensor, kept: Strongest, rows: Tensor) -> None:
            """Show proposals for the images ``rows``, and keep those that are better."""
            own, aims = labels[rows], None if targets is None else targets[rows]
            if oracle is None:
                logits = logits_of(model, shown, own, aims)
            else:
                logits = scores_of(oracle, shown, own, aims, numbers[rows])
            kept.see(shown, is_fooled(logits, own, aims), rising(SCORES_LOSSES[loss], logits, own, aims), rows)

        def paying(rows: Tensor) -> Tensor:
            """Which of the images ``rows`` can be asked about once more."""
            return rows >= 0 if oracle is None else oracle.left(numbers[rows]) > 0

        rows = everything[paying(everything)]
        if len(rows):
            ask(x[rows], strongest, rows)
        rows = rows[~strongest.fooled[rows]]
        image, streams = x[rows], Streams(seed, "square", images, indices)[rows]
        for run in range(int(restarts)):
            share = (int(queries) - 1 + run) // int(restarts)
            kept = Strongest(x)
            for query in range(share):
                rows, image, streams = _those(paying(rows), rows, image, streams)
                if not len(rows):
                    break
                if query == 0:
                    proposed = _start(image, eps, norm, streams)
                else:
                    side = _side(p_init, (query - 1) / share, x, norm)
                    change = _repainted if norm == "linf" else _moved
                    proposed = change(image, kept.images[rows], side, eps, norm, streams)
                ask(proposed, kept, rows)
                rows, image, streams = _those(~kept.fooled[rows], rows, image, streams)
            found()
    return strongest.images


def _those(going: Tensor, rows: Tensor, images: Tensor, streams: Streams) -> tuple[Tensor, Tensor, Streams]:
    """What is of the images that go on."""
    return (rows, images, streams) if going.all() else (rows[going], images[going], streams[going])


def _side(p_init: float, done: float, x: Tensor, norm: str) -> int:
    """Pixels along a side of the square, where that part of the queries is done; odd in l2 and l1, if there is room."""
    p = p_init / 2 ** sum(10000 * done > each for each in HALVINGS)
    height, width = x.shape[2:]
    side = max(round(math.sqrt(p * height * width)), 1 if norm == "linf" else 3)
    if norm != "linf" and side % 2 == 0:
        side += 1
    return min(side, height, width)


def _start(images: Tensor, eps: float, norm: str, streams: Streams) -> Tensor:
    """The first proposal: stripes in linf; in l2 and l1 bumps in tiles, five or more along either side."""
    channels, height, width = images.shape[1:]
    if norm == "linf":
        return (images + eps * streams.signs(channels, 1, width)).clamp_(0, 1)
    side = max(1, min(height, width) // TILES)
    down, across = height // side, width // side
    signs, turned = streams.signs(channels, down, across), streams.randint(2, down, across)
    tiles = _bumps(side, norm).to(images)[turned][:, None] * signs[..., None, None]
    chessboard = tiles.transpose(3, 4).reshape(-1, channels, down * side, across * side)
    top, left = (height - down * side) // 2, (width - across * side) // 2
    delta = torch.zeros_like(images)
    delta[:, :, top : top + down * side, left : left + across * side] = chessboard
    return _cut(delta, images, eps, norm)


def _repainted(images: Tensor, best: Tensor, side: int, eps: float, norm: str, streams: Streams) -> Tensor:
    """A square of the best takes ±eps. Where it would take what it has, it takes the opposite: no query is idle."""
    signs = streams.signs(images.shape[1], 1, 1)
    inside = _inside(_corner(images, side, streams), side, images)
    painted = torch.where(inside, (images + eps * signs).clamp_(0, 1), best)
    idle = (painted == best).flatten(1).all(1)[:, None, None, None]
    return torch.where(inside & idle, (images - eps * signs).clamp_(0, 1), painted)


def _moved(images: Tensor, best: Tensor, side: int, eps: float, norm: str, streams: Streams) -> Tensor:
    """What is in one window, with what the ball has left, is added to another in the shape of a bump."""
    power, channels = (2 if norm == "l2" else 1), images.shape[1]
    delta = best - images
    corner = _corner(images, side, streams)
    filled, emptied = _inside(corner, side, images), _inside(_corner(images, side, streams), side, images)
    signs, turned = streams.signs(channels, 1, 1), streams.randint(2, 1)

    def size(part: Tensor) -> Tensor:
        return torch.linalg.vector_norm(part, power, dim=(2, 3), keepdim=True)

    bump = _placed(_bumps(side, norm).to(images)[turned[:, 0]], corner, side, images) * signs
    tiny = torch.finfo(images.dtype).tiny
    held = torch.where(filled, delta, 0)
    shape = torch.where(filled, bump + held / size(held).clamp_min(tiny), 0)
    shape = torch.where(filled & (size(shape) == 0), bump, shape)  # in windows of one pixel the two may cancel
    unused = (eps**power - norms(delta, norm) ** power).clamp_min(0)[:, None, None, None] / channels
    length = (unused + size(torch.where(filled | emptied, delta, 0)) ** power) ** (1 / power)
    filling = shape / size(shape).clamp_min(tiny) * length
    return _cut(torch.where(filled, filling, delta.masked_fill(emptied, 0)), images, eps, norm)


def _cut(delta: Tensor, images: Tensor, eps: float, norm: str) -> Tensor:
    """The images moved by ``delta`` at length ``eps`` (in l1: at least that) and then cut at the ball and the box."""
    scale = eps / norms(delta, norm).clamp_min(torch.finfo(delta.dtype).tiny)
    if norm == "l1":
        scale = scale.clamp_min(1)
    return project(images + delta * scale[:, None, None, None], images, eps, norm)


def _corner(images: Tensor, side: int, streams: Streams) -> Tensor:
    """Row and column of a random square's first pixel, ``(N, 2)``: anywhere that the square is in the image."""
    height, width = images.shape[2:]
    return torch.cat([streams.randint(height - side + 1, 1), streams.randint(width - side + 1, 1)], 1)


def _offsets(corner: Tensor, images: Tensor) -> tuple[Tensor, Tensor]:
    """How far every pixel is below and to the right of the corner, ``(N, 1, H, 1)`` and ``(N, 1, 1, W)``."""
    height, width = (torch.arange(count, device=images.device) for count in images.shape[2:])
    down, right = (corner[:, at, None, None, None] for at in (0, 1))
    return height[:, None] - down, width - right


def _inside(corner: Tensor, side: int, images: Tensor) -> Tensor:
    """Which pixels are in the square, ``(N, 1, H, W)``."""
    down, right = _offsets(corner, images)
    return (down >= 0) & (down < side) & (right >= 0) & (right < side)


def _placed(bumps: Tensor, corner: Tensor, side: int, images: Tensor) -> Tensor:
    """Each image's bump ``(N, side, side)`` at its corner, ``(N, 1, H, W)``; outside of the square anything."""
    down, right = (offset.clamp(0, side - 1) for offset in _offsets(corner, images))
    return bumps.flatten(1).gather(1, (down * side + right).flatten(1)).view(-1, 1, *images.shape[2:])


@cache
def _bumps(side: int, norm: str) -> Tensor:
    """Two halves with a peak in each, one up and one down, of norm 1; lying and standing, ``(2, side, side)``.

    A half of h × w pixels is Σ_{k=d}^{m} (k + 1)^-2 at the distance d (the larger of rows and columns) from its middle,
    m = max(⌊h/2⌋, ⌊w/2⌋); in l1 the power is -4.
    """
    power, halves = (2 if norm == "l2" else 1), []
    for height in (side // 2, side - side // 2):
        most = max(height // 2, side // 2)
        terms = (torch.arange(most + 1, dtype=torch.float64) + 1) ** (-2 if norm == "l2" else -4)
        away = [(torch.arange(count) - count // 2).abs() for count in (height, side)]
        half = terms.flip(0).cumsum(0).flip(0)[torch.maximum(away[0][:, None], away[1])]
        halves.append(half / max(1e-12, float(torch.linalg.vector_norm(half, power))))
    bump = torch.cat([halves[0], -halves[1]])
    bump = bump / torch.linalg.vector_norm(bump, power)
    return torch.stack([bump, bump.T])
