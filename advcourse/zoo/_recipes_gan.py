"""How each generator in ``files/weights/`` was trained: one recipe a name for ``python -m advcourse train NAME``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import nn

from advcourse import gan
from advcourse.networks import DCGANCritic


@dataclass(frozen=True)
class GanRecipe:
    """What makes one shipped generator, besides its architecture: its opponent and their game.

    Attributes:
        data: the set.
        made_by: the variant, with its own optimisers.
        critic: the untrained critic.
        epochs: passes of the critic over the data.
        lr: rate of both optimisers, in place of the variant's.
        critic_steps: k.
        decay: of the average of the generator's weights, which is what is shipped.
    """

    data: str
    made_by: Callable[[], gan.Variant]
    critic: Callable[[], nn.Module]
    epochs: int
    lr: float
    critic_steps: int
    decay: float = 0.999
    batch_size: int = 64
    mixed_precision: str = "no"
    seed: int = 0

    @property
    def extractor(self) -> str:
        """The classifier by which it is measured."""
        return f"{self.data}/cnn"

    def variant(self) -> gan.Variant:
        """The variant with the recipe's rate."""
        return at_rates(self.made_by(), lambda own: self.lr)


def at_rates(variant: gan.Variant, rate: Callable[[float], float]) -> gan.Variant:
    """The variant with its optimisers at other learning rates, a function of their own."""

    def changed(optimizer: Callable) -> Callable:
        own = optimizer([nn.Parameter(torch.zeros(()))]).defaults["lr"]
        return partial(optimizer, lr=rate(own))

    optimizers = changed(variant.critic_optimizer), changed(variant.generator_optimizer)
    return replace(variant, critic_optimizer=optimizers[0], generator_optimizer=optimizers[1])


_WGAN_GP = GanRecipe(
    "fashion-mnist", gan.wgan_gp, partial(DCGANCritic, width=32, norm="layer"), epochs=10, lr=3e-4, critic_steps=2
)
GAN_RECIPES: dict[str, GanRecipe] = {
    "gan/fashion-mnist-dcgan": GanRecipe(
        "fashion-mnist", gan.standard_gan, partial(DCGANCritic, width=32), epochs=12, lr=2e-4, critic_steps=1
    ),
    "gan/fashion-mnist-wgan-gp": _WGAN_GP,
    "gan/mnist-wgan-gp": replace(_WGAN_GP, data="mnist", epochs=8),
}
