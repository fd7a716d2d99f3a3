"""Projected gradient descent in an linf, l2 or l1 ball."""

from __future__ import annotations

import torch
from torch import Tensor

from advcourse.core.balls import NORMS, project, steepest, uniform
from advcourse.core.iterates import Strongest
from advcourse.core.losses import ImageLoss, image_loss, input_gradient, log_odds
from advcourse.core.running import Model, detached, is_fooled, logits_of, untouched
from advcourse.core.validation import check_at_least, check_choice, check_count, check_flag, check_inputs


def pgd(
    model: Model,
    images: Tensor,
    labels: Tensor,
    *,
    eps: float,
    steps: int = 40,
    step_size: float | None = None,
    norm: str = "linf",
    random_start: bool = False,
    restarts: int = 1,
    loss: str | ImageLoss = "ce",
    targets: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Projected gradient descent: steepest steps inside the eps-ball; returns each image's strongest iterate.

    The steps are::

        δᵏ⁺¹ = Π(δᵏ + α d(∇_δ L(x + δᵏ))),  Π the projection onto ‖δ‖ ≤ ε, x + δ ∈ [0, 1]
        L = ℓ(f(·), y)  or  ℓ(f(·), y) - ℓ(f(·), ỹ)

    where d is the sign (linf), the normalised gradient (l2) or the largest coordinates (l1). Strongest means
    fooled first, then higher loss; the last iterate is tested too. A restart costs ``steps`` forward and backward
    passes and one more forward pass for each image that no restart before has fooled: the others rest, with the
    highest loss of the restart that fooled them.

    Args:
        model: maps images to logits ``(N, K)``; runs in the mode it is in.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``.
        eps: radius of the ball, in pixel units of [0, 1].
        steps: steps per restart.
        step_size: α in the units of ``eps``; ``2.5 * eps / steps`` where it is not given.
        norm: ``"linf"``, ``"l2"`` or ``"l1"``.
        random_start: start uniform in the ball, cut by the box; else at zero.
        restarts: how often to start, at most; more than once needs ``random_start``.
        loss: ``"ce"``, ``"margin"``, ``"dlr"`` (of two classes the margin), ``"nll"`` (``-z_y``, for
            ``wrappers.eot``) or a callable ``(logits, labels) -> (N,)``, maximised.
        targets: int64 ``(N,)``: the classes to reach.
        generator: draws the random start; the global random state is then left as it was.

    Returns:
        Images ``(N, C, H, W)`` in [0, 1], within ``eps`` of ``images``, without a graph.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Madry et al. 2018, arXiv:1706.06083, section 2.1; zero start and targeted loss are the deck's.
    """
    check_inputs(model, images, labels, targets)
    check_at_least(0, eps=eps)
    check_at_least(0, optional=True, step_size=step_size)
    check_flag(random_start=random_start)
    check_count(steps=steps, restarts=restarts)
    check_choice("norm", norm, NORMS)
    if restarts > 1 and not random_start:
        raise ValueError(f"restarts is {restarts}, expected 1 without random_start: every start would be the same")
    # Without targets direction and order are all that counts, and the log-odds have the same and never underflow.
    per_image = log_odds if loss == "ce" and targets is None else image_loss(loss)
    steps, step_size = int(steps), 2.5 * eps / steps if step_size is None else step_size
    with untouched(model, images, generator):
        images = detached(images)
        strongest, rows = Strongest(images), torch.arange(len(images), device=images.device)
        for _ in range(restarts):
            draw = uniform(images, eps, norm, generator) if random_start else None  # for all, whoever is still at it
            rows = rows[~strongest.fooled[rows]]
            if not len(rows):
                break
            all_of_them = len(rows) == len(images)
            centre, label = (images, labels) if all_of_them else (images[rows], labels[rows])
            goal = targets if targets is None or all_of_them else targets[rows]
            x = centre.clone() if draw is None else project(centre + draw[rows], centre, eps, norm)
            del draw
            for step in range(steps + 1):
                with torch.set_grad_enabled(step < steps):
                    logits = logits_of(model, x.requires_grad_(step < steps), label, goal)
                    value = per_image(logits, label)
                    if goal is not None:
                        value = value - per_image(logits, goal)
                strongest.see(x, is_fooled(logits, label, goal), value, slice(None) if all_of_them else rows)
                if step < steps:
                    gradient, x = input_gradient(value, x), x.detach()
                    x = project(steepest(gradient, step_size, norm, x).add_(x), centre, eps, norm)
                    del gradient, logits, value  # not alive beside the next forward pass
    return strongest.images
