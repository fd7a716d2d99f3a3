"""LSGAN: least squares in place of the logarithm."""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn
from torch.optim import RMSprop

from advcourse.gan._variant import Chance, Variant, check_matched, scores


def lsgan() -> Variant:
    """The critic regresses 1 for real and 0 for made images; the generator wants to be given 1.

    ::

        critic ½ (D(x) - 1)² + ½ D(x̃)²,   generator ½ (D(x̃) - 1)²

    The slope grows with the distance from the target, where that of a logistic loss vanishes.

    Source: Mao et al. 2016, arXiv:1611.04076, equation 9; optimiser and rate as in the comparison of Gulrajani et al.
    2017, arXiv:1704.00028.
    """
    rmsprop = partial(RMSprop, lr=1e-4)
    return Variant("LSGAN", _critic_loss, _generator_loss, 1, rmsprop, rmsprop)


def _critic_loss(critic: nn.Module, real: Tensor, fake: Tensor, generator: Chance = None) -> Tensor:
    check_matched(real, fake)
    return ((scores(critic, real) - 1).square() + scores(critic, fake.detach()).square()) / 2


def _generator_loss(critic: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    return (scores(critic, fake) - 1).square() / 2
