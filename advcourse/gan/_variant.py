"""What the trainer knows of a GAN variant: a pair of losses, and the settings that its authors train it with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from advcourse.core.streams import Streams

Critic = Callable[[Tensor], Tensor]
Chance = torch.Generator | Streams | Tensor | None
Optimizer = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]


@dataclass(frozen=True)
class Variant:
    """A pair of losses over a generator and a critic; ``fit`` runs any.

    The discriminator of the older papers is called the critic here, too: it gives one number an image, its logit.

    Attributes:
        name: of the variant.
        critic_loss: ``(critic, real, fake, generator=None) -> (N,)``, which a step of the critic lowers in the mean; it
            reaches the critic alone. What it draws comes from the ``torch.Generator`` or the ``Streams``, or is given.
        generator_loss: ``(critic, real, fake) -> (N,)``, which a step of the generator lowers through ``fake``.
        critic_steps: k, steps of the critic for each of the generator.
        critic_optimizer, generator_optimizer: parameters -> optimizer.
        after_critic_step: changes the critic's weights in place after each of its steps.
        second_order: the critic's loss holds a gradient: the critic is differentiated twice.
    """

    name: str
    critic_loss: Callable[..., Tensor]
    generator_loss: Callable[[nn.Module, Tensor, Tensor], Tensor]
    critic_steps: int
    critic_optimizer: Optimizer
    generator_optimizer: Optimizer
    after_critic_step: Callable[[nn.Module], None] | None = None
    second_order: bool = False


def scores(critic: Critic, x: Tensor) -> Tensor:
    """What the critic says of each image, ``(N,)``.

    Raises:
        ValueError: where it says more or less than one number each.
    """
    values = critic(x)
    if not isinstance(values, Tensor) or values.shape not in ((len(x),), (len(x), 1)):
        came = f"shape {tuple(values.shape)}" if isinstance(values, Tensor) else f"a {type(values).__name__}"
        raise ValueError(f"critic returned {came}, expected ({len(x)},): one number per image")
    return values.flatten()


def check_matched(real: Tensor, fake: Tensor) -> None:
    """Real and made images of one shape, on one device."""
    if real.shape != fake.shape or real.dim() < 2 or not len(real):
        raise ValueError(f"fake has shape {tuple(fake.shape)}, expected that of real, {tuple(real.shape)}, (N, …)")
    if real.device != fake.device:
        raise ValueError(f"fake is on {fake.device} and real on {real.device}, expected one device")
