"""NES from labels alone: how often noise leaves the target on the list is a score, and a score has a gradient."""

from __future__ import annotations

import torch
from torch import Tensor

from advcourse.blackbox._approach import approach, places
from advcourse.blackbox._asking import Asking
from advcourse.core.oracles import Asked
from advcourse.core.running import detached
from advcourse.core.streams import Streams
from advcourse.core.validation import check_above, check_choice, check_count

NOISE = ("gaussian", "uniform")


def label_score(
    oracle: Asked,
    images: Tensor,
    targets: Tensor,
    *,
    copies: int = 50,
    mu: float = 0.001,
    noise: str = "gaussian",
    seed: int = 0,
    indices: Tensor | None = None,
) -> Tensor:
    """How high the target is listed where noise moves each image, a mean over m noisy ``copies``::

        S(x) = 1/m Σᵢ R(x + μuᵢ),    R = (k - place) / k on a list of k classes, places from 0, and 0 where not listed

    with uᵢ ~ N(0, I) or uniform in [-1, 1]. From labels, k is 1 and R whether the target is the label: on an affine
    model of two classes with Gaussian noise E S(x) = Φ(margin / (μ‖w‖₂)), where w is the difference of the classes'
    weights. Costs m queries an image. The points are not clipped.

    Args:
        oracle: reveals ``"label"`` or ``"top_k"``, of which only the order is used.
        images: ``(N, C, H, W)`` in [0, 1].
        targets: int64 ``(N,)``: the classes looked for.
        copies: m.
        mu: μ, in pixel units of [0, 1].
        noise: ``"gaussian"`` or ``"uniform"``.
        seed, indices: of the random draws, see ``core.streams``; queries are billed to ``indices`` too.

    Returns:
        ``(N,)`` in [0, 1].

    Raises:
        QueryBudgetExceeded: where an image has fewer than m queries left; nothing is asked then.
        ValueError: for bad input; the message names the argument.

    Source: Ilyas, Engstrom, Athalye & Lin 2018, arXiv:1804.08598.
    """
    asking = Asking(oracle, images, targets, None, indices, None, ("label", "top_k"))
    asking.targets = targets
    _check(copies, mu, noise)
    rows = torch.arange(len(images), device=images.device)
    asking.check_affordable(rows, int(copies))
    with torch.inference_mode(False), torch.no_grad():
        streams = Streams(seed, "label_score", images, indices)
        return _scored(asking, detached(images), rows, streams, 1, int(copies), mu, noise)


def nes_label_only(
    oracle: Asked,
    images: Tensor,
    labels: Tensor,
    *,
    targets: Tensor,
    start: Tensor,
    eps: float,
    queries: int = 200_000,
    samples: int = 200,
    sigma: float = 0.1,
    copies: int = 1,
    mu: float = 0.05,
    noise: str = "gaussian",
    step_size: float | None = None,
    momentum: float = 0.9,
    widest: float = 0.5,
    shrink: float | None = None,
    seed: int = 0,
    indices: Tensor | None = None,
) -> Tensor:
    """NES from labels alone: the way of ``nes_partial``, along gradients of a score that is made of labels.

    The score of a point is its ``label_score``. The two points of an antithetic pair are moved by the same noise, which
    leaves the expectation as it is and takes variance away. A step costs ``samples`` times ``copies`` queries, and one
    for each point that it proposes. Queries are better spent on directions than on copies: an estimate lies in the span
    of its directions, and the noise of single labels is averaged out over these as well.

    Args:
        oracle: reveals ``"label"`` or ``"top_k"``, of which only the order is used.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``.
        targets: int64 ``(N,)``: the classes to reach.
        start: ``(N, C, H, W)`` in [0, 1]: for each image one of its target class.
        eps: radius of the linf ball to end in, in pixel units of [0, 1].
        queries: at most so many for each image; the oracle's budget counts as well.
        samples, sigma: n and σ of the estimates, see ``nes_gradient``.
        copies, mu, noise: of the score, see ``label_score``.
        step_size, momentum, widest, shrink, seed, indices: see ``nes_partial``.

    Returns:
        Images, as of ``nes_partial``.

    Raises:
        OracleError: where the oracle fails; what was found by then is in its ``images``.
        ValueError: for bad input; the message names the argument.

    Source: Ilyas, Engstrom, Athalye & Lin 2018, arXiv:1804.08598.
    """
    asking = Asking(oracle, images, labels, targets, indices, queries, ("label", "top_k"))
    _check(copies, mu, noise)

    def score(streams: Streams, shown: Tensor, of: Tensor) -> Tensor:
        return _scored(asking, shown, of, streams, 2, int(copies), mu, noise)

    return approach(
        asking,
        images,
        start,
        score,
        method="nes_label_only",
        eps=eps,
        samples=samples,
        sigma=sigma,
        copies=int(copies),
        step_size=step_size,
        momentum=momentum,
        widest=widest,
        shrink=shrink,
        seed=seed,
        indices=indices,
    )


def _scored(
    asking: Asking, shown: Tensor, rows: Tensor, streams: Streams, sides: int, copies: int, mu: float, noise: str
) -> Tensor:
    """The score of each point shown, ``(M,)``; points come image by image, all of one of the ``sides`` and then of the
    other, which share their noise.
    """
    shape, count = shown.shape[1:], len(shown) // (sides * len(streams))
    drawn = streams.randn if noise == "gaussian" else streams.rand
    moves = drawn(count * copies, *shape).view(len(streams), 1, count, copies, *shape)
    moves = mu * (moves if noise == "gaussian" else 2 * moves - 1)
    points = shown.view(len(streams), sides, count, 1, *shape) + moves
    place, _, length = places(asking, points.flatten(0, 3), rows.repeat_interleave(copies))
    ranks = torch.where(place >= 0, length - place, 0).to(shown.dtype) / length
    return ranks.view(-1, copies).mean(1)


def _check(copies: int, mu: float, noise: str) -> None:
    check_count(copies=copies)
    check_above(0, mu=mu)
    check_choice("noise", noise, NOISE)
