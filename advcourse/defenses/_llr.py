"""Local linearity regularisation: a loss that is nearly its tangent, and whose tangent is flat."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from advcourse.core.balls import NORMS, project, steepest, uniform
from advcourse.core.losses import ImageLoss, image_loss, input_gradient
from advcourse.core.running import detached, eager, logits_of, untouched
from advcourse.core.validation import check_at_least, check_choice, check_count
from advcourse.defenses._crafting import MODES, Growing, crafting
from advcourse.training import Loss, standard_loss


def llr(
    *,
    eps: float,
    lam: float = 4.0,
    mu: float = 3.0,
    steps: int = 2,
    step_size: float | None = None,
    norm: str = "linf",
    warmup: int = 0,
    mode: str = "eval",
    loss: str | ImageLoss = "ce",
) -> Loss:
    """The loss of the images, its worst distance from its tangent, and how far the tangent rises there.

    For each image, with g = ∇ℓ(x)::

        γ(δ) = |ℓ(x + δ) - ℓ(x) - δᵀg|,   δ* = argmax_{‖δ‖ ≤ ε} γ(δ)
        ℓ(x) + λ γ(δ*) + μ |δ*ᵀg|

    g is differentiated, δ* is a constant. What can be gained within the ball is at most ``|δᵀg| + γ``.

    Args:
        eps: ε, in pixel units of [0, 1].
        lam, mu: λ and μ, not negative.
        steps: of the ascent on γ, from a random point of the ball.
        step_size: of each, in the units of ``eps``; ``2.5 * eps / steps`` where it is not given, at most ``eps``.
        norm: ``"linf"``, ``"l2"`` or ``"l1"``.
        warmup, mode: as in ``adversarial``, of both terms.
        loss: which is to be linear, as in ``attacks.pgd``; what is fitted is the cross-entropy.

    Source: Qin et al. 2019, arXiv:1907.02610, equation 8 and algorithm 1; λ = 4 and μ = 3 are theirs.
    """
    check_at_least(0, lam=lam, mu=mu)
    check_at_least(0, optional=True, step_size=step_size)
    check_count(steps=steps)
    check_choice("norm", norm, NORMS)
    check_choice("mode", mode, MODES)
    per_image = image_loss(loss)
    ascent = partial(_least_linear, per_image=per_image, steps=int(steps), step_size=step_size, norm=norm)
    penalised = partial(_llr, per_image=per_image, ascent=ascent, lam=float(lam), mu=float(mu), mode=mode)
    return Growing(penalised, "eps", eps, warmup)


def _llr(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    eps: float,
    *,
    per_image: ImageLoss,
    ascent: partial[Tensor],
    lam: float,
    mu: float,
    mode: str,
) -> Tensor:
    with (
        crafting(model, mode),
        untouched(model, images),
        eager(),
        torch.autocast(images.device.type, enabled=False),
    ):
        x = detached(images).requires_grad_()
        value = per_image(logits_of(model, x, labels), labels)
        (gradient,) = torch.autograd.grad(value.sum(), x, create_graph=True)
        delta = ascent(model, x.detach(), labels, eps, value.detach(), gradient.detach())
        rise = (delta * gradient).flatten(1).sum(1)
        beside = per_image(logits_of(model, x.detach() + delta, labels), labels)
        penalty = lam * (beside - value - rise).abs() + mu * rise.abs()
    return standard_loss(model, images, labels) + penalty.mean()


def _least_linear(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    eps: float,
    value: Tensor,
    gradient: Tensor,
    *,
    per_image: ImageLoss,
    steps: int,
    step_size: float | None,
    norm: str,
) -> Tensor:
    """δ by steps up γ, within the ball and such that x + δ stays in the box."""
    length = min(2.5 / steps, 1.0) * eps if step_size is None else step_size
    x = project(images + uniform(images, eps, norm), images, eps, norm)
    for _ in range(steps):
        x.requires_grad_()
        tangent = value + ((x - images) * gradient).flatten(1).sum(1)
        distance = (per_image(logits_of(model, x, labels), labels) - tangent).abs()
        slope, x = input_gradient(distance, x), x.detach()
        x = project(steepest(slope, length, norm, x).add_(x), images, eps, norm)
    return x - images
