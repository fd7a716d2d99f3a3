"""Adversarial training: the loss of images that are attacked first, alone or beside that of the images themselves."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from advcourse.core.losses import cross_entropy
from advcourse.core.running import logits_of
from advcourse.core.validation import check_at_least, check_callable, check_pair
from advcourse.defenses._crafting import Crafter, crafted, grown
from advcourse.training import Loss, standard_loss


def adversarial(
    attack: Crafter, *, eps: float | None = None, warmup: int = 0, mode: str = "eval", loss: Loss = standard_loss
) -> Loss:
    """The loss of attacked images, min-max training.

    ::

        min_θ 𝔼 max_{‖δ‖ ≤ ε} ℓ(f_θ(x + δ), y)

    The gradient of the inner maximum is that of the loss at a maximiser, taken as a constant (Danskin): no gradient
    flows through the attack. With the whole ball from the start, training on MNIST at ε = 0.3 stays for long at the
    constant prediction; ``warmup`` lets it grow.

    Args:
        attack: ``(model, images, labels) -> images``, an attack with its settings (``functools.partial``); with
            ``eps`` it is called with the ``eps`` of the step too, and a step size that follows from it should be left
            to it.
        eps: ε, the radius that the ball grows to, in pixel units of [0, 1]; None where ``attack`` has it.
        warmup: training steps over which the ball grows evenly; needs ``eps``.
        mode: the model's mode inside the attack: ``"eval"`` (each image is attacked by itself, against the statistics
            that BatchNorm will have when it is used) or ``"train"`` (against those of its batch, with dropout's
            draws; what many implementations do). Buffers move in neither.
        loss: of the attacked images.

    Raises:
        ValueError: for bad settings, an attack that asks for targets, or one that returns something else than images.

    Source: Madry et al. 2018, arXiv:1706.06083, equation 2.1.
    """
    check_callable(loss=loss)
    return grown(partial(_adversarial, loss=loss), attack, eps, warmup, mode)


def _adversarial(model: nn.Module, images: Tensor, labels: Tensor, *, attack: Crafter, mode: str, loss: Loss) -> Tensor:
    return loss(model, crafted(attack, model, images, labels, mode), labels)


def organic_and_perturbed(
    attack: Crafter,
    *,
    weights: tuple[float, float] = (0.5, 0.5),
    eps: float | None = None,
    warmup: int = 0,
    mode: str = "eval",
) -> Loss:
    """The loss of the images and that of attacked ones, in one pass.

    ::

        α ℓ(f(x), y) + β ℓ(f(x̃), y)

    Without the first, clean accuracy is forgotten. Both halves share the statistics of BatchNorm (``advprop`` gives
    each its own). (1, m) is the regulariser of neural structured learning with the multiplier m.

    Args:
        attack: ``(model, images, labels) -> images``.
        weights: (α, β), not negative.
        eps, warmup, mode: as in ``adversarial``.

    Source: Goodfellow, Shlens & Szegedy 2015, arXiv:1412.6572, section 6; the deck "Adversarial learning
    and robustness" (D. Sarkar & S. Paul), its seven steps.
    """
    check_pair("weights", weights)
    for weight in weights:
        check_at_least(0, weights=weight)
    return grown(partial(_both, weights=(weights[0], weights[1])), attack, eps, warmup, mode)


def _both(
    model: nn.Module, images: Tensor, labels: Tensor, *, attack: Crafter, weights: tuple[float, float], mode: str
) -> Tensor:
    perturbed = crafted(attack, model, images, labels, mode)
    twice = torch.cat([labels, labels])
    organic, attacked = cross_entropy(logits_of(model, torch.cat([images, perturbed]), twice), twice).chunk(2)
    return weights[0] * organic.mean() + weights[1] * attacked.mean()
