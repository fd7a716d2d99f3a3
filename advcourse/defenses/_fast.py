"""Fast adversarial training: one step from a random start."""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn

from advcourse.core.balls import NORMS, project, steepest, uniform
from advcourse.core.losses import input_gradient, log_odds
from advcourse.core.running import detached, logits_of, untouched
from advcourse.core.validation import check_above, check_choice
from advcourse.defenses._crafting import MODES, Growing, crafting
from advcourse.training import Loss, standard_loss


def fast(*, eps: float, step: float = 1.25, norm: str = "linf", warmup: int = 0, mode: str = "eval") -> Loss:
    """The loss of images moved by one step from a random point of the ball (FGSM-RS).

    ::

        δ ∼ U(‖δ‖ ≤ ε),   x̃ = Π(x + δ + α d(∇ℓ(f(x + δ), y))),   ℓ(f(x̃), y)

    A step that is too long, a start that covers part of the ball, or training for long ends in catastrophic
    overfitting: the one-step attack fails ever more often and every other succeeds. ``training.fit`` catches it with
    ``keep_best`` and a score of several steps.

    Args:
        eps: ε, in pixel units of [0, 1].
        step: α / ε.
        norm: ``"linf"``, ``"l2"`` or ``"l1"``.
        warmup, mode: as in ``adversarial``.

    Source: Wong, Rice & Kolter 2020, arXiv:2001.03994, algorithm 3; α = 1.25 ε is theirs.
    """
    check_above(0, step=step)
    check_choice("norm", norm, NORMS)
    check_choice("mode", mode, MODES)
    return Growing(partial(_fast, step=float(step), norm=norm, mode=mode), "eps", eps, warmup)


def _fast(model: nn.Module, images: Tensor, labels: Tensor, eps: float, *, step: float, norm: str, mode: str) -> Tensor:
    start = detached(images)
    with crafting(model, mode), untouched(model, images):
        x = project(start + uniform(start, eps, norm), start, eps, norm).requires_grad_()
        gradient = input_gradient(log_odds(logits_of(model, x, labels), labels), x)
    x = x.detach()
    return standard_loss(model, project(steepest(gradient, step * eps, norm, x).add_(x), start, eps, norm), labels)
