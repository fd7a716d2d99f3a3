"""Bandits: gradients estimated by two queries a step, because what was learnt about the last one is kept as a prior."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from advcourse.blackbox._asking import Asking, started
from advcourse.blackbox._nes import SCORE_LOSSES
from advcourse.core.balls import project, steepest
from advcourse.core.oracles import Asked
from advcourse.core.streams import Streams
from advcourse.core.validation import check_above, check_at_least, check_choice, check_count

HYPERPARAMETERS = {"linf": (100.0, 1.0, 0.1), "l2": (0.1, 0.01, 0.01)}


def bandits(
    oracle: Asked,
    images: Tensor,
    labels: Tensor,
    *,
    eps: float,
    norm: str = "linf",
    queries: int = 10_000,
    tile: int | None = None,
    prior_rate: float | None = None,
    exploration: float | None = None,
    distance: float | None = None,
    step_size: float | None = None,
    loss: str = "ce",
    targets: Tensor | None = None,
    seed: int = 0,
    indices: Tensor | None = None,
) -> Tensor:
    """Bandits with time and data priors: each image keeps an estimate v of its gradient and corrects it at every step.

    With u ~ N(0, I/d) on the prior's grid, τ the exploration, U the enlargement of the grid to the image, and
    q± = U(v ± τu)::

        Δ = (ℓ(x + ζ q₊/‖q₊‖₂) - ℓ(x + ζ q₋/‖q₋‖₂)) u / (ζτ)
        linf:  v ← exponentiated gradient with rate η, which is v = tanh(w/2), w ← w + 2ηΔ
        l2:    v ← v + ηΔ
        x ← project(x + α s(U v), ε)          s: the sign in linf, g/‖g‖₂ in l2

    Neighbours in a tile share one value of v, as the gradients of images do nearly, and successive gradients are alike.
    A step costs two queries and the look at the new image a third; the image itself one. An image leaves as soon as it
    is fooled, or when it cannot pay for another step.

    Args:
        oracle: reveals logits or probabilities.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``.
        eps: radius of the ball, in pixel units of [0, 1].
        norm: ``"linf"`` or ``"l2"``.
        queries: at most so many for each image; the oracle's budget counts as well.
        tile: the prior has about H/tile × W/tile values a channel; a side of the image over 50 where not given, at
            least 2 pixels: the paper's grid of 50 × 50 for large images.
        prior_rate, exploration, distance: η, τ and ζ; the authors' where not given: 100, 1 and 0.1 in linf, 0.1, 0.01
            and 0.01 in l2.
        step_size: α; a fifth of ``eps`` where not given, in linf the authors' 0.01 for 0.05.
        loss: ``"ce"``, by the log-odds, or ``"margin"``.
        targets: int64 ``(N,)``: the classes to reach.
        seed, indices: of the random draws, see ``core.streams``; queries are billed to ``indices`` too.

    Returns:
        Images ``(N, C, H, W)`` in [0, 1], within ``eps`` of ``images``, without a graph: those fooled as they were at
        that query, of the others the strongest seen. The misclassified (or predicted as their target) are untouched.

    Raises:
        OracleError: where the oracle fails; what was found by then is in its ``images``.
        ValueError: for bad input; the message names the argument.

    Source: Ilyas, Engstrom & Madry 2019, arXiv:1807.07978; η, τ, ζ and α are those of the authors' code.
    """
    asking = Asking(oracle, images, labels, targets, indices, queries)
    check_at_least(0, eps=eps)
    check_choice("norm", norm, tuple(HYPERPARAMETERS))
    check_count(optional=True, tile=tile)
    check_choice("loss", loss, tuple(SCORE_LOSSES))
    given = (prior_rate, exploration, distance)
    eta, tau, zeta = (d if g is None else g for g, d in zip(given, HYPERPARAMETERS[norm], strict=True))
    check_above(0, prior_rate=eta, exploration=tau, distance=zeta)
    check_at_least(0, optional=True, step_size=step_size)
    alpha = eps / 5 if step_size is None else float(step_size)
    height, width = images.shape[2:]
    side = max(2, max(height, width) // 50) if tile is None else int(tile)
    grid = (images.shape[1], -(-height // side), -(-width // side))
    per_image = SCORE_LOSSES[loss]
    with started(images) as strongest:
        rows = asking.affordable(torch.arange(len(images), device=images.device), 1)
        streams, clean = Streams(seed, "bandits", images, indices)[rows], strongest.images[rows]
        x, w = clean, clean.new_zeros(len(rows), *grid)
        size = math.prod(grid) ** 0.5

        def estimate(w: Tensor) -> Tensor:
            """v of those images."""
            return w.div(2).tanh() if norm == "linf" else w

        while len(rows):
            scores = asking.scores(x, rows)
            fooled = asking.fooled(scores, rows)
            strongest.see(x, fooled, asking.loss(per_image, scores, rows), rows)
            going = ~fooled & (asking.left(rows) > 2)
            if not going.all():
                rows, streams, clean, x, w = rows[going], streams[going], clean[going], x[going], w[going]
            if not len(rows):
                break
            u = streams.randn(*grid) / size
            prior = estimate(w)
            sides = torch.stack([prior + tau * u, prior - tau * u], 1).flatten(0, 1)
            directions = steepest(_enlarged(sides, clean), zeta, "l2", sides).view(-1, 2, *clean.shape[1:])
            shown, twice = (x[:, None] + directions).flatten(0, 1), rows.repeat_interleave(2)
            values = asking.loss(per_image, asking.scores(shown, twice), twice).view(-1, 2)
            slope = (values[:, 0] - values[:, 1]) / (zeta * tau)
            w = w + (2 if norm == "linf" else 1) * eta * slope[:, None, None, None] * u
            x = project(x + steepest(_enlarged(estimate(w), clean), alpha, norm, x), clean, eps, norm)
    return strongest.images


def _enlarged(prior: Tensor, images: Tensor) -> Tensor:
    """Every value of the grid for a tile of pixels."""
    return F.interpolate(prior, size=tuple(images.shape[2:]), mode="nearest")
