"""TRADES: clean accuracy and a stable answer, as two terms."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from advcourse.core.balls import NORMS, clip, project, steepest
from advcourse.core.losses import cross_entropy, divergence, input_gradient
from advcourse.core.running import detached, logits_of, untouched
from advcourse.core.validation import check_at_least, check_choice, check_count
from advcourse.defenses._crafting import MODES, Growing, crafting
from advcourse.training import Loss


def trades(
    *,
    eps: float,
    beta: float = 6.0,
    steps: int = 10,
    step_size: float | None = None,
    norm: str = "linf",
    warmup: int = 0,
    mode: str = "eval",
) -> Loss:
    """The loss of the images, and how far their answer can be moved.

    With p the model's probabilities::

        ℓ(f(x), y) + β max_{‖δ‖ ≤ ε} KL(p(x) ‖ p(x + δ))

    The second term asks no label. Its gradient is zero at δ = 0, so the ascent starts beside it, at normal noise of
    deviation 0.001; the last iterate counts.

    Args:
        eps: ε, in pixel units of [0, 1].
        beta: β, not negative.
        steps: of the inner ascent.
        step_size: of each, in the units of ``eps``; ``2.5 * eps / steps`` where it is not given.
        norm: ``"linf"``, ``"l2"`` or ``"l1"``.
        warmup, mode: as in ``adversarial``.

    Source: Zhang et al. 2019, arXiv:1901.08573, equation 5 and algorithm 1.
    """
    check_at_least(0, beta=beta)
    check_at_least(0, optional=True, step_size=step_size)
    check_count(steps=steps)
    check_choice("norm", norm, NORMS)
    check_choice("mode", mode, MODES)
    ascent = partial(_farthest, steps=int(steps), step_size=step_size, norm=norm)
    return Growing(partial(_trades, ascent=ascent, beta=float(beta), mode=mode), "eps", eps, warmup)


def _trades(
    model: nn.Module, images: Tensor, labels: Tensor, eps: float, *, ascent: partial[Tensor], beta: float, mode: str
) -> Tensor:
    with crafting(model, mode):
        moved = ascent(model, images, labels, eps)
    clean = logits_of(model, images, labels)
    return (cross_entropy(clean, labels) + beta * divergence(clean, logits_of(model, moved, labels))).mean()


def _farthest(
    model: nn.Module, images: Tensor, labels: Tensor, eps: float, *, steps: int, step_size: float | None, norm: str
) -> Tensor:
    """Ascent on KL(p(x) ‖ p(x + δ)) within the ball."""
    length = 2.5 * eps / steps if step_size is None else step_size
    with untouched(model, images):
        images = detached(images)
        with torch.no_grad():
            clean = logits_of(model, images.clone(), labels)
        x = clip(images + 0.001 * torch.randn_like(images))
        for _ in range(steps):
            moved = logits_of(model, x.requires_grad_(), labels)
            gradient, x = input_gradient(divergence(clean, moved), x), x.detach()
            x = project(steepest(gradient, length, norm, x).add_(x), images, eps, norm)
    return x
