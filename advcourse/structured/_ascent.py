"""What the structured attacks share: the loss climbed along what an operator makes of its gradient."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from advcourse.core.balls import by_largest
from advcourse.core.iterates import Strongest
from advcourse.core.losses import input_gradient, log_odds, rising
from advcourse.core.running import Model, is_fooled, logits_of, untouched


def lengths(change: Tensor, vectors: bool) -> Tensor:
    """The largest Euclidean length of each image's vectors ``(N, 2, H, W)``, or its largest value, ``(N, 1, 1, 1)``."""
    size = torch.linalg.vector_norm(change, dim=1) if vectors else change.abs()
    return size.flatten(1).amax(1)[:, None, None, None]


def climb(
    model: Model,
    images: Tensor,
    labels: Tensor,
    targets: Tensor | None,
    *,
    steps: int,
    bound: float,
    operator: Callable[[Tensor, Tensor], Tensor],
    apply: Callable[[Tensor], Tensor],
    vectors: bool,
) -> tuple[Tensor, Tensor]:
    """The strongest of ``steps`` iterates: changes uᵏ⁺¹ = B(uᵏ + η O(∇L(xᵏ))) of one image.

    O is the operator, its result scaled to a largest length of one; η is 2.5 bound / steps, as in PGD,
    and at most the bound; B shrinks the whole sum to the bound where it is longer, which, unlike a clip, leaves it
    in the range of the operator. One step is one change of exactly that length.

    Args:
        operator: ``(gradient, iterate) -> change``.
        apply: ``change -> images``, of the original images each time.
        vectors: lengths are those of the change's vectors (its channels), not of its values.

    Returns:
        Each image's strongest iterate and the change that made it, zeros where that is the image itself.
    """
    step_size = min(2.5 / steps, 1.0) * bound
    with untouched(model, images):
        strongest = Strongest(images)
        x, best = images.clone(), images.new_zeros(())
        change: Tensor | None = None
        for step in range(steps + 1):
            with torch.set_grad_enabled(step < steps):
                logits = logits_of(model, x.requires_grad_(step < steps), labels, targets)
                loss = rising(log_odds, logits, labels, targets)
            better = strongest.see(x, is_fooled(logits, labels, targets), loss)
            if change is not None:
                best = torch.where(better[:, None, None, None], change, best)
            if step < steps:
                rise = operator_step(loss, x, operator, step_size, vectors)
                with torch.no_grad():
                    change = rise if change is None else change + rise
                    longest = lengths(change, vectors)
                    change = torch.where(longest > bound, scaled(change, bound, vectors), change)
                    x = apply(change)
                del logits, loss, rise  # not alive beside the next forward pass
    return strongest.images, best


def one_step(
    model: Model,
    images: Tensor,
    labels: Tensor,
    *,
    operator: Callable[[Tensor, Tensor], Tensor],
    length: float | Tensor,
    vectors: bool,
) -> Tensor:
    """The change of that length that the operator makes of the gradient, for one forward and one backward pass.

    Unlike ``climb`` it does not ask whether the loss rose: training has no use for the answer, and it would cost
    another forward pass.
    """
    with untouched(model, images):
        x = images.clone().requires_grad_()
        loss = log_odds(logits_of(model, x, labels), labels)
        return operator_step(loss, x, operator, length, vectors)


def operator_step(
    loss: Tensor, x: Tensor, operator: Callable[[Tensor, Tensor], Tensor], length: float | Tensor, vectors: bool
) -> Tensor:
    """What the operator makes of each image's gradient at ``x``, scaled to that largest length, without a graph."""
    gradient = by_largest(input_gradient(loss, x))  # only its direction counts
    with torch.no_grad():
        return scaled(operator(gradient, x.detach()), length, vectors)


def scaled(change: Tensor, length: float | Tensor, vectors: bool) -> Tensor:
    """Each image's change scaled to that largest length, one for all or ``(N, 1, 1, 1)``; zeros stay zeros."""
    change = by_largest(change)
    longest = lengths(change, vectors)
    return change * (length / longest).masked_fill(longest == 0, 0)
