"""WGAN: the critic estimates a distance, its weights clipped to keep it Lipschitz."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn
from torch.optim import RMSprop

from advcourse.core.validation import check_above
from advcourse.gan._variant import Chance, Variant, check_matched, scores


def wgan(*, clip: float = 0.01) -> Variant:
    """The Wasserstein distance between the two kinds of images, over critics with small weights.

    The distance is the largest mean difference of a 1-Lipschitz critic; with all weights in ``[-c, c]`` the critics are
    K-Lipschitz for some K, and what is estimated is K times a lower bound::

        W(p, q) = max 𝔼 D(x) - 𝔼 D(x̃)  over  ‖D‖_Lip ≤ 1,   critic D(x̃) - D(x),   generator -D(x̃)

    Args:
        clip: c, to which every parameter of the critic is clamped after each of its steps.

    Source: Arjovsky, Chintala & Bottou 2017, arXiv:1701.07875, algorithm 1.
    """
    check_above(0, clip=clip)
    rmsprop = partial(RMSprop, lr=5e-5)
    return Variant("WGAN", wasserstein_loss, negated_score, 5, rmsprop, rmsprop, partial(_clamp, clip=float(clip)))


def wasserstein_loss(critic: nn.Module, real: Tensor, fake: Tensor, generator: Chance = None) -> Tensor:
    """``D(x̃) - D(x)``."""
    check_matched(real, fake)
    return scores(critic, fake.detach()) - scores(critic, real)


def negated_score(critic: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """``-D(x̃)``."""
    return -scores(critic, fake)


@torch.no_grad()
def _clamp(critic: nn.Module, clip: float) -> None:
    for parameter in critic.parameters():
        parameter.clamp_(-clip, clip)
