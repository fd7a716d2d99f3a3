"""WGAN-GP: the critic is kept Lipschitz by a penalty on its slope."""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn
from torch.optim import Adam

from advcourse.core.validation import check_at_least, check_flag
from advcourse.gan._penalty import gradient_penalty
from advcourse.gan._variant import Chance, Variant
from advcourse.gan._wgan import negated_score, wasserstein_loss


def wgan_gp(*, weight: float = 10.0, one_sided: bool = False) -> Variant:
    """The Wasserstein losses, and ``gradient_penalty`` in place of clipped weights.

    ::

        critic D(x̃) - D(x) + λ (‖∇ D(x̂)‖₂ - 1)²,   generator -D(x̃)

    Args:
        weight: λ.
        one_sided: of the penalty: slopes below one are free.

    Source: Gulrajani et al. 2017, arXiv:1704.00028, algorithm 1, with its λ, k, optimiser and rates.
    """
    check_at_least(0, weight=weight)
    check_flag(one_sided=one_sided)
    adam = partial(Adam, lr=1e-4, betas=(0.0, 0.9))
    loss = partial(_critic_loss, weight=float(weight), one_sided=one_sided)
    return Variant("WGAN-GP", loss, negated_score, 5, adam, adam, second_order=True)


def _critic_loss(
    critic: nn.Module, real: Tensor, fake: Tensor, generator: Chance = None, *, weight: float, one_sided: bool
) -> Tensor:
    penalty = gradient_penalty(critic, real, fake, one_sided=one_sided, generator=generator)
    return wasserstein_loss(critic, real, fake) + weight * penalty
