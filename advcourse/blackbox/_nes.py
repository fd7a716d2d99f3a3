"""NES: gradients estimated from scores at random points nearby, and an attack that follows them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from advcourse.blackbox._asking import Asking, started
from advcourse.core.balls import project, steepest
from advcourse.core.losses import log_odds, margin
from advcourse.core.oracles import SCORES, Asked
from advcourse.core.running import detached
from advcourse.core.streams import Streams
from advcourse.core.validation import check_above, check_at_least, check_at_most, check_choice, check_count, check_flag

SCORE_LOSSES = {"ce": log_odds, "margin": margin}
TOGETHER = 2**16
Directions = Callable[[int], Tensor]


def nes_gradient(
    oracle: Asked,
    images: Tensor,
    labels: Tensor,
    *,
    samples: int = 50,
    sigma: float = 0.001,
    antithetic: bool = True,
    loss: str = "ce",
    targets: Tensor | None = None,
    indices: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """The gradient of each image's loss, estimated from n scores at Gaussian points around it.

    With n ``samples`` and δᵢ ~ N(0, I) it is::

        antithetic:  1/(nσ) Σ_{i=1}^{n/2} δᵢ (ℓ(x + σδᵢ) - ℓ(x - σδᵢ))
        plain:       1/(nσ) Σ_{i=1}^{n}   δᵢ ℓ(x + σδᵢ)

    Both have as their expectation the gradient of E ℓ(x + σδ). A constant added to ℓ cancels in a pair and not in the
    plain sum, whose noise it scales. Of a linear loss in d dimensions, m independent directions (m = n/2 pairs)
    recover the gradient g up to E cos²(estimate, g) ≈ m/(m + d + 1). Costs n queries an image. The points are not
    clipped: they leave the box by some σ.

    Args:
        oracle: reveals logits or probabilities.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``.
        samples: n, even where they come in pairs.
        sigma: σ, in pixel units of [0, 1].
        antithetic: pairs of opposite points, or not.
        loss: ``"ce"``, as the log-odds against the label, which have the direction of the cross-entropy and never
            flatten, or ``"margin"``.
        targets: int64 ``(N,)``: minus the loss of these is then differentiated.
        indices: int64 ``(N,)``: the images of the set that the queries are billed to; 0 to N - 1 where not given.
        generator: of the draws.

    Returns:
        ``(N, C, H, W)``, without a graph: along it the loss of the labels rises, or that of the targets falls.

    Raises:
        QueryBudgetExceeded: where an image has fewer than n queries left; nothing is asked then.
        ValueError: for bad input; the message names the argument.

    Source: Ilyas, Engstrom, Athalye & Lin 2018, arXiv:1804.08598; Salimans et al. 2017, arXiv:1703.03864,
    for the pairs.
    """
    asking = Asking(oracle, images, labels, targets, indices, None)
    check_estimate(samples, sigma, antithetic)
    check_choice("loss", loss, tuple(SCORE_LOSSES))
    rows = torch.arange(len(images), device=images.device)
    with torch.inference_mode(False), torch.no_grad():
        x = detached(images)
        asking.check_affordable(rows, int(samples))

        def draw(count: int) -> Tensor:
            where = x.device if generator is None else generator.device
            shape = (len(x), count, *x.shape[1:])
            return torch.randn(shape, generator=generator, dtype=x.dtype, device=where).to(x.device)

        def score(shown: Tensor, of: Tensor) -> Tensor:
            return asking.loss(SCORE_LOSSES[loss], asking.scores(shown, of), of)

        return estimated(score, x, rows, draw, int(samples), sigma, antithetic)


def estimated(
    score: Callable[[Tensor, Tensor], Tensor],
    x: Tensor,
    rows: Tensor,
    draw: Directions,
    samples: int,
    sigma: float,
    antithetic: bool = True,
    copies: int = 1,
) -> Tensor:
    """The estimate for the images ``x``, the ``rows`` of an attack, of what ``score(shown, rows)`` says ``(M,)``.

    ``draw(count)`` gives ``(N, count, C, H, W)``. Directions are drawn and asked about some at a time, as many as the
    size of an image allows, where a score shows each point ``copies`` times: other images do not change which. Points
    come image by image, of each first all on one side and then all on the other.
    """
    total = torch.zeros_like(x)
    sides = (1.0, -1.0) if antithetic else (1.0,)
    for count in _shares(samples // len(sides), copies * x[0].numel()):
        delta = draw(count)
        moves = torch.stack([side * sigma * delta for side in sides], 1)  # (N, sides, count, C, H, W)
        shown = moves.add_(x[:, None, None]).flatten(0, 2)
        values = score(shown, rows.repeat_interleave(len(sides) * count)).view(len(x), len(sides), count)
        weights = values[:, 0] - values[:, 1] if antithetic else values[:, 0]
        total += torch.einsum("nk,nkchw->nchw", weights, delta)
    return total.div_(samples * sigma)


def gaussian(streams: Streams, images: Tensor) -> Directions:
    """Draws of standard normal directions, every image from its own stream."""
    return lambda count: streams.randn(count, *images.shape[1:])


def _shares(directions: int, size: int) -> Iterator[int]:
    """The number of directions in parts of which each draws about ``TOGETHER`` numbers an image."""
    most = max(1, TOGETHER // size)
    for done in range(0, directions, most):
        yield min(most, directions - done)


def check_estimate(samples: int, sigma: float, antithetic: bool) -> None:
    """A number of samples that can be paired where they are to be, and a distance."""
    check_count(samples=samples)
    check_flag(antithetic=antithetic)
    check_above(0, sigma=sigma)
    if antithetic and int(samples) % 2:
        raise ValueError(f"samples is {samples}, expected an even number: antithetic queries come in pairs")


def nes(
    oracle: Asked,
    images: Tensor,
    labels: Tensor,
    *,
    eps: float,
    norm: str = "linf",
    queries: int = 10_000,
    samples: int = 50,
    sigma: float = 0.001,
    antithetic: bool = True,
    step_size: float | None = None,
    momentum: float = 0.9,
    patience: int = 5,
    decay: float = 2.0,
    smallest: float | None = None,
    loss: str = "ce",
    targets: Tensor | None = None,
    seed: int = 0,
    indices: Tensor | None = None,
) -> Tensor:
    """NES attack: projected steps along estimated gradients, until the image is fooled or has no queries left.

    With ĝₖ the estimate of ``nes_gradient`` at xₖ, each image for itself::

        gₖ = μ gₖ₋₁ + (1 - μ) ĝₖ
        xₖ₊₁ = project(xₖ + α s(gₖ), ε)        s: the sign in linf, g/‖g‖₂ in l2

    α is divided by ``decay`` where the loss at xₖ is no higher than ``patience`` steps before, down to ``smallest``.
    Every iterate is looked at, so a step costs n + 1 queries, and the image itself one. An image leaves as soon as it
    is fooled, or when it cannot pay for another step.

    Args:
        oracle: reveals logits or probabilities.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``.
        eps: radius of the ball, in pixel units of [0, 1].
        norm: ``"linf"`` or ``"l2"``.
        queries: at most so many for each image; the oracle's budget counts as well.
        samples, sigma, antithetic, loss: of the estimate, see ``nes_gradient``.
        step_size: α; a fifth of ``eps`` where not given.
        momentum: μ, in [0, 1).
        patience: steps after which the loss has to have risen.
        decay: what α is divided by else, at least 1.
        smallest: α falls no lower; a thirty-second of its start where not given.
        targets: int64 ``(N,)``: the classes to reach.
        seed, indices: of the random draws, see ``core.streams``; queries are billed to ``indices`` too.

    Returns:
        Images ``(N, C, H, W)`` in [0, 1], within ``eps`` of ``images``, without a graph: those fooled as they were at
        that query, of the others the strongest seen. The misclassified (or predicted as their target) are untouched.

    Raises:
        OracleError: where the oracle fails; what was found by then is in its ``images``.
        ValueError: for bad input; the message names the argument.

    Source: Ilyas, Engstrom, Athalye & Lin 2018, arXiv:1804.08598; momentum and the decay on a plateau are in the
    authors' code.
    """
    asking = Asking(oracle, images, labels, targets, indices, queries, SCORES)
    check_at_least(0, eps=eps)
    check_choice("norm", norm, ("linf", "l2"))
    check_estimate(samples, sigma, antithetic)
    check_at_least(0, optional=True, step_size=step_size, smallest=smallest)
    check_at_least(0, momentum=momentum)
    check_at_most(0.999999, momentum=momentum)
    check_count(patience=patience)
    check_at_least(1, decay=decay)
    check_choice("loss", loss, tuple(SCORE_LOSSES))
    samples, first = int(samples), eps / 5 if step_size is None else float(step_size)
    least = first / 32 if smallest is None else float(smallest)

    def score(shown: Tensor, of: Tensor) -> Tensor:
        return asking.loss(SCORE_LOSSES[loss], asking.scores(shown, of), of)

    with started(images) as strongest:
        clean = strongest.images.clone()
        rows = asking.affordable(torch.arange(len(clean), device=clean.device), 1)
        streams = Streams(seed, "nes", images, indices)[rows]
        x, velocity = clean.clone(), torch.zeros_like(clean)
        alpha = torch.full_like(strongest.loss, first)
        history = torch.full((int(patience), len(clean)), -torch.inf, dtype=clean.dtype, device=clean.device)
        step = 0
        while len(rows):
            scores = asking.scores(x[rows], rows)
            fooled, value = asking.fooled(scores, rows), asking.loss(SCORE_LOSSES[loss], scores, rows)
            strongest.see(x[rows], fooled, value, rows)
            before = history[step % len(history), rows]
            history[step % len(history), rows] = value
            stuck = value <= before
            alpha[rows] = torch.where(stuck, (alpha[rows] / decay).clamp_min(least), alpha[rows])
            going = ~fooled & (asking.left(rows) > samples)
            rows, streams = rows[going], streams[going]
            if not len(rows):
                break
            found = estimated(score, x[rows], rows, gaussian(streams, clean), samples, sigma, antithetic)
            velocity[rows] = momentum * velocity[rows] + (1 - momentum) * found
            moved = x[rows] + steepest(velocity[rows], alpha[rows], norm, x[rows])
            x[rows] = project(moved, clean[rows], eps, norm)
            step += 1
    return strongest.images
