"""Adversarial weight perturbation: the weights are attacked, too."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn
from torch.func import functional_call

from advcourse.core.losses import cross_entropy
from advcourse.core.running import logits_of, untouched
from advcourse.core.validation import check_above
from advcourse.defenses._crafting import Crafter, crafted, grown
from advcourse.training import Loss, standard_loss


def awp(
    attack: Crafter, *, gamma: float = 0.005, eps: float | None = None, warmup: int = 0, mode: str = "eval"
) -> Loss:
    """The loss of attacked images at the worst weights nearby, which flattens it.

    For every weight tensor W of two and more dimensions, with the gradients at the attacked images x̃::

        V = γ ‖W‖ ∇_W ℓ / ‖∇_W ℓ‖,   ℓ(f_{W + V}(x̃), y)

    V is taken as a constant; the step is made from W with the gradient at W + V. It is that of the batch, in several
    processes of each one's share.

    Args:
        attack: ``(model, images, labels) -> images``.
        gamma: γ, the size of V relative to W.
        eps, warmup, mode: as in ``adversarial``.

    Source: Wu, Xia & Wang 2020, arXiv:2004.05884, equations 7 to 10, with one step for V.
    """
    check_above(0, gamma=gamma)
    return grown(partial(_awp, gamma=float(gamma)), attack, eps, warmup, mode)


def _awp(model: nn.Module, images: Tensor, labels: Tensor, *, attack: Crafter, gamma: float, mode: str) -> Tensor:
    moved = crafted(attack, model, images, labels, mode)
    weights = {name: held for name, held in model.named_parameters() if held.dim() > 1 and held.requires_grad}
    with untouched(model, images):
        gradients = torch.autograd.grad(standard_loss(model, moved, labels), list(weights.values()))
    worst = {
        name: held + gamma * held.detach().norm() * gradient / gradient.norm().clamp_min(torch.finfo(held.dtype).tiny)
        for (name, held), gradient in zip(weights.items(), gradients, strict=True)
    }
    return cross_entropy(logits_of(partial(functional_call, model, worst), moved, labels), labels).mean()
