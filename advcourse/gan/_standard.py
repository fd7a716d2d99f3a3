"""The first GAN: a classifier of real and made images, and a generator that it should take for real."""

from __future__ import annotations

from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Adam

from advcourse.core.validation import check_flag
from advcourse.gan._variant import Chance, Variant, check_matched, scores


def standard_gan(*, saturating: bool = False) -> Variant:
    """The game of Goodfellow et al., with the loss of the deck or with the one that people train.

    With D the critic's logit and σ the logistic function, the critic raises ``log σ(D(x)) + log(1 - σ(D(x̃)))``; its
    optimum is ``σ(D) = p / (p + q)``, p and q the densities of the two kinds of images. The generator lowers::

        saturating:       log(1 - σ(D(x̃)))     nearly flat where the critic is sure, hence the other one
        non-saturating:  -log σ(D(x̃))

    Args:
        saturating: the generator's loss is the minimax game's.

    Source: Goodfellow et al. 2014, arXiv:1406.2661, algorithm 1 and section 3; optimiser and rates: Radford et al.
    2015, arXiv:1511.06434, section 4.
    """
    check_flag(saturating=saturating)
    adam = partial(Adam, lr=2e-4, betas=(0.5, 0.999))
    name = "GAN, saturating" if saturating else "GAN"
    return Variant(name, _critic_loss, _saturating if saturating else _non_saturating, 1, adam, adam)


def _critic_loss(critic: nn.Module, real: Tensor, fake: Tensor, generator: Chance = None) -> Tensor:
    check_matched(real, fake)
    return F.softplus(-scores(critic, real)) + F.softplus(scores(critic, fake.detach()))


def _saturating(critic: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    return -F.softplus(scores(critic, fake))


def _non_saturating(critic: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    return F.softplus(-scores(critic, fake))
