"""NES with partial information: the likeliest classes and their probabilities, and nothing of the others."""

from __future__ import annotations

import torch
from torch import Tensor

from advcourse.blackbox._approach import approach, places
from advcourse.blackbox._asking import Asking
from advcourse.core.oracles import Asked
from advcourse.core.streams import Streams


def nes_partial(
    oracle: Asked,
    images: Tensor,
    labels: Tensor,
    *,
    targets: Tensor,
    start: Tensor,
    eps: float,
    queries: int = 100_000,
    samples: int = 50,
    sigma: float = 0.001,
    step_size: float | None = None,
    momentum: float = 0.9,
    widest: float = 0.5,
    shrink: float | None = None,
    seed: int = 0,
    indices: Tensor | None = None,
) -> Tensor:
    """NES with partial information: from an image of the target class towards the image, the target always listed.

    The oracle names the k likeliest classes with their probabilities. A class not listed has no gradient, so the attack
    begins where its target is: at ``start``, cut to a linf ball of radius ε₀ around the image. Each step climbs
    along the estimated gradient of log p_t and shrinks the ball::

        x' = project(xₖ + α sign(gₖ), εₖ - δ)

    and takes x' where its target is listed. Else α is halved, five times, and then δ; where the ball cannot shrink at
    all, the gradient is followed within it. It is done where εₖ is ``eps`` and the target the likeliest. A step costs n
    queries and one for each x'; the image costs one, and its start one or two.

    Args:
        oracle: reveals ``"top_k"``.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``.
        targets: int64 ``(N,)``: the classes to reach.
        start: ``(N, C, H, W)`` in [0, 1]: for each image one of its target class.
        eps: radius of the linf ball to end in, in pixel units of [0, 1].
        queries: at most so many for each image; the oracle's budget counts as well.
        samples, sigma: n and σ of the estimates, which are antithetic, see ``nes_gradient``. Where the target is not
            listed, it is taken to have the last probability that is.
        step_size: the largest α; a fifth of ``eps`` where not given.
        momentum: of the estimates, in [0, 1).
        widest: ε₀. Where the target is not listed there, 1: the start itself.
        shrink: the largest δ; a tenth of ε₀ where not given.
        seed, indices: of the random draws, see ``core.streams``; queries are billed to ``indices`` too.

    Returns:
        Images ``(N, C, H, W)`` in [0, 1], within ``eps`` of ``images``, without a graph. Those that came only part of
        the way are pulled into the ball; what is predicted as its target already, and what has a start that is not
        listed, is untouched.

    Raises:
        OracleError: where the oracle fails; what was found by then is in its ``images``.
        ValueError: for bad input; the message names the argument.

    Source: Ilyas, Engstrom, Athalye & Lin 2018, arXiv:1804.08598.
    """
    asking = Asking(oracle, images, labels, targets, indices, queries, ("top_k",))

    def score(streams: Streams, shown: Tensor, of: Tensor) -> Tensor:
        return places(asking, shown, of)[1].to(shown.dtype).clamp_min(torch.finfo(shown.dtype).tiny).log()

    return approach(
        asking,
        images,
        start,
        score,
        method="nes_partial",
        eps=eps,
        samples=samples,
        sigma=sigma,
        copies=1,
        step_size=step_size,
        momentum=momentum,
        widest=widest,
        shrink=shrink,
        seed=seed,
        indices=indices,
    )
