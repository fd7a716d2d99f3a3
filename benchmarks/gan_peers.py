"""The step of WGAN-GP in other libraries, on our networks: their own losses and train steps, where they are installed.

torch-mimicry's package imports TensorBoard and TensorFlow, for logging and metrics; its networks do without, and are
imported past it.
"""

from __future__ import annotations

import importlib.util
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

PACKAGES = {"torch-mimicry": "torch_mimicry", "torchgan": "torchgan"}
WEIGHT = 10.0


@dataclass(frozen=True)
class Peer:
    """A library's critic step and generator step, and its critic's loss.

    Attributes:
        critic: makes images and takes a step, as its train step does.
        generator: the same.
        loss: ``(real, fake, seed) -> scalar`` with a graph to the critic, where one ``torch.rand(N, 1)`` after
            ``torch.manual_seed(seed)`` draws the points between.
    """

    critic: Callable[[], object]
    generator: Callable[[], object]
    loss: Callable[[Tensor, Tensor, int], Tensor]


@dataclass(frozen=True)
class Game:
    """What a peer is given: networks, their optimisers, and a batch of real images."""

    generator: nn.Module
    critic: nn.Module
    generator_optimizer: torch.optim.Optimizer
    critic_optimizer: torch.optim.Optimizer
    real: Tensor


def mimicry(game: Game) -> Peer:
    """torch-mimicry's WGAN-GP, whose base classes are given our networks."""
    _past_init("torch_mimicry")
    _past_init("torch_mimicry.training")
    from torch_mimicry.nets.wgan_gp.wgan_gp_base import WGANGPBaseDiscriminator, WGANGPBaseGenerator
    from torch_mimicry.training.metric_log import MetricLog

    class Generator(WGANGPBaseGenerator):
        def __init__(self) -> None:
            super().__init__(nz=game.generator.latent, ngf=0, bottom_width=0)
            self.network = game.generator

        def forward(self, latents: Tensor) -> Tensor:
            return self.network(latents)

    class Critic(WGANGPBaseDiscriminator):
        def __init__(self) -> None:
            super().__init__(ndf=0, gp_scale=WEIGHT)
            self.network = game.critic

        def forward(self, images: Tensor) -> Tensor:
            return self.network(images)

    generator, critic = Generator(), Critic()
    given: dict[str, Any] = {"real_batch": (game.real, None), "log_data": MetricLog(), "device": game.real.device}

    def loss(real: Tensor, fake: Tensor, seed: int) -> Tensor:
        torch.manual_seed(seed)
        penalty = critic.compute_gradient_penalty_loss(real, fake, gp_scale=WEIGHT)
        return critic.compute_gan_loss(output_real=critic(real), output_fake=critic(fake)) + penalty

    return Peer(
        lambda: critic.train_step(netG=generator, optD=game.critic_optimizer, **given),
        lambda: generator.train_step(netD=critic, optG=game.generator_optimizer, **given),
        loss,
    )


def torchgan(game: Game) -> Peer:
    """torchgan's, whose trainer takes a step by the critic's loss and then another by the penalty."""
    from torchgan.losses import WassersteinDiscriminatorLoss, WassersteinGeneratorLoss, WassersteinGradientPenalty

    class Labelled(nn.Module):
        """The attributes that its train steps ask of a network."""

        label_type = "none"

        def __init__(self, network: nn.Module) -> None:
            super().__init__()
            self.network, self.encoding_dims = network, getattr(network, "latent", None)

        def forward(self, x: Tensor) -> Tensor:
            return self.network(x)

    generator, critic = Labelled(game.generator), Labelled(game.critic)
    distance, penalty = WassersteinDiscriminatorLoss(), WassersteinGradientPenalty(lambd=WEIGHT)

    def critic_step() -> None:
        for each in (distance, penalty):
            each.train_ops(generator, critic, game.critic_optimizer, game.real, game.real.device)

    def generator_step() -> None:
        WassersteinGeneratorLoss().train_ops(
            generator, critic, game.generator_optimizer, game.real.device, len(game.real)
        )

    def loss(real: Tensor, fake: Tensor, seed: int) -> Tensor:
        torch.manual_seed(seed)
        share = torch.rand(len(real), 1).to(real.device)[:, :, None, None]
        between = (share * real + (1 - share) * fake.detach()).requires_grad_()
        return distance(critic(real), critic(fake)) + WEIGHT * penalty(between, critic(between))

    return Peer(critic_step, generator_step, loss)


PEERS: dict[str, Callable[[Game], Peer]] = {"torch-mimicry": mimicry, "torchgan": torchgan}


def installed() -> list[str]:
    """The peers that are there."""
    return [name for name, package in PACKAGES.items() if importlib.util.find_spec(package)]


def _past_init(name: str) -> None:
    """Let modules of a package be imported without what its ``__init__`` imports."""
    if name not in sys.modules:
        spec = importlib.util.find_spec(name)
        if spec is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        package = types.ModuleType(name)
        package.__spec__ = spec
        package.__path__ = list(spec.submodule_search_locations or ())
        sys.modules[name] = package
