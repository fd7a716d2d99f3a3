"""R3GAN's loss: real and made images compared in pairs, with zero-centred penalties at both."""

from __future__ import annotations

from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Adam

from advcourse.core.validation import check_at_least
from advcourse.gan._penalty import slopes
from advcourse.gan._variant import Chance, Critic, Variant, check_matched, scores


def r3gan(*, gamma: float = 0.05) -> Variant:
    """A relativistic pairing loss with the penalties R1 and R2.

    The critic is to place each real image above the made one beside it, the generator the other way round::

        critic     softplus(-(D(x) - D(x̃))) + γ/2 (‖∇ D(x)‖² + ‖∇ D(x̃)‖²)
        generator  softplus(-(D(x̃) - D(x)))

    A generator that drops a mode pays there at every pair; the penalties, zero where the two kinds of images agree,
    make the game converge.

    Args:
        gamma: γ, in squared units of the images.

    Source: Huang, Gokaslan, Kuleshov & Tompkin 2024, arXiv:2501.05441, section 2; relativistic pairing:
    Jolicoeur-Martineau 2018, arXiv:1807.00734; R1: Mescheder, Geiger & Nowozin 2018, arXiv:1801.04406.
    """
    check_at_least(0, gamma=gamma)
    adam = partial(Adam, lr=2e-4, betas=(0.0, 0.9))
    loss = partial(_critic_loss, gamma=float(gamma))
    return Variant("R3GAN", loss, _generator_loss, 1, adam, adam, second_order=True)


def _critic_loss(critic: nn.Module, real: Tensor, fake: Tensor, generator: Chance = None, *, gamma: float) -> Tensor:
    check_matched(real, fake)
    pairs = scores(critic, real) - scores(critic, fake.detach())
    return F.softplus(-pairs) + gamma / 2 * (_squared_slope(critic, real) + _squared_slope(critic, fake))


def _generator_loss(critic: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    return F.softplus(scores(critic, real) - scores(critic, fake))


def _squared_slope(critic: Critic, x: Tensor) -> Tensor:
    return slopes(critic, x).flatten(1).square().sum(1)
