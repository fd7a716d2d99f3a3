"""The ring of eight: one small pair of networks, every variant, and what the generator made on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from advcourse.core.validation import check_above, check_callable, check_choice, check_count, check_flag
from advcourse.gan._fit import fit
from advcourse.gan._latents import generate
from advcourse.gan._lsgan import lsgan
from advcourse.gan._r3gan import r3gan
from advcourse.gan._standard import standard_gan
from advcourse.gan._variant import Variant
from advcourse.gan._wgan import wgan
from advcourse.gan._wgan_gp import wgan_gp
from advcourse.gan.metrics import Coverage, mode_coverage, ring_centres, ring_samples
from advcourse.networks import MLPCritic, MLPGenerator
from advcourse.training import moving_average

_LATENT, _MADE, _SHOWN, _REACH, _GRID = 2, 2_500, 1_000, 3.0, 61


@dataclass(frozen=True)
class RingMethod:
    """A variant as it is played on the ring.

    Attributes:
        variant: its losses; its optimisers are replaced by Adam.
        betas: the moments of Adam.
        critic_steps: k where it is not the variant's.
    """

    variant: Variant
    betas: tuple[float, float] = (0.0, 0.9)
    critic_steps: int | None = None


RING_METHODS: dict[str, RingMethod] = {
    "GAN, saturating": RingMethod(standard_gan(saturating=True), betas=(0.5, 0.999)),
    "GAN": RingMethod(standard_gan(), betas=(0.5, 0.999)),
    "LSGAN": RingMethod(lsgan(), betas=(0.5, 0.999)),
    "WGAN": RingMethod(wgan(clip=0.1)),
    "WGAN-GP": RingMethod(wgan_gp(weight=0.1), critic_steps=2),
    "R3GAN": RingMethod(r3gan()),
}
"""What ``play_ring`` knows by name. WGAN clips at 0.1, WGAN-GP has λ = 0.1 and k = 2, R3GAN γ = 0.05."""


@dataclass(frozen=True)
class RingSnapshot:
    """A moment of a run.

    Attributes:
        steps: of the critic, so far.
        points: made of latents that are the same at every moment, ``(2500, 2)``.
        values: the critic's at the grid of the run, ``(G, G)``: rows go up, columns to the right.
        coverage: how many modes the points cover, and how many of them are good.
        losses: the means ``critic`` and ``generator`` since the moment before; empty before the first step.
    """

    steps: int
    points: Tensor
    values: Tensor
    coverage: Coverage
    losses: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class RingRun:
    """What ``play_ring`` returns: all that is needed to draw the run, and the networks as they ended.

    Attributes:
        name: of the variant.
        learning_rate, critic_steps: as played.
        real: some of the points trained on, ``(1000, 2)``.
        axis: of the grid of the critic's values, ``(G,)``, the same both ways.
        snapshots: the moments, the first before any step.
        generator, critic: the networks, on the CPU.
        average: of the generator's weights, where it was asked for; the snapshots are then of it.
    """

    name: str
    learning_rate: float
    critic_steps: int
    real: Tensor
    axis: Tensor
    snapshots: tuple[RingSnapshot, ...]
    generator: nn.Module
    critic: nn.Module
    average: AveragedModel | None = None

    @property
    def coverage(self) -> Coverage:
        """At the end."""
        return self.snapshots[-1].coverage


class _Stop(Exception):
    """``on_snapshot`` has had enough."""


def play_ring(
    method: str | RingMethod,
    *,
    steps: int = 2000,
    every: int = 100,
    learning_rate: float = 1e-3,
    critic_steps: int | None = None,
    decay: float | None = None,
    batch_size: int = 128,
    width: int = 64,
    depth: int = 3,
    seed: int = 0,
    progress: bool = True,
    on_snapshot: Callable[[RingRun], object] | None = None,
) -> RingRun:
    """Train two small networks of linear layers on the ring of eight Gaussians and keep what was made on the way.

    Args:
        method: of ``RING_METHODS``, or a ``RingMethod``.
        steps: batches, each a step of the critic and every k-th one of the generator too; a multiple of ``every``.
        every: steps from one snapshot to the next. So many batches of points there are: a pass takes ``every`` steps.
        learning_rate: of both networks.
        critic_steps: k, the method's where not given.
        decay: of ``training.moving_average``, whose points are then shown; None shows the generator's own.
        batch_size: points per step.
        width, depth: of both networks.
        seed: of the points, the networks and the game.
        progress: a bar.
        on_snapshot: called with the run so far after each snapshot, the first before any step; where it returns
            something true, the run ends there.

    Returns:
        the run, a function of the arguments alone; torch's random state is left as it was.

    Raises:
        ValueError: for bad input; the message names the argument.
        FloatingPointError: a loss is no longer finite.
        KeyboardInterrupt: Ctrl-C.

    Source: the ring is of Metz et al. 2017, arXiv:1611.02163.
    """
    name, played = _chosen(method)
    check_count(every=every, batch_size=batch_size)
    check_count(at_least=0, steps=steps, seed=seed)
    check_count(optional=True, critic_steps=critic_steps)
    check_above(0, learning_rate=learning_rate)
    check_flag(progress=progress)
    if on_snapshot is not None:
        check_callable(on_snapshot=on_snapshot)
    if steps % every:
        raise ValueError(f"steps is {steps}, expected a multiple of every, {every}")
    adam = partial(torch.optim.Adam, lr=float(learning_rate), betas=played.betas)
    variant = replace(played.variant, critic_optimizer=adam, generator_optimizer=adam)
    k = int(critic_steps or played.critic_steps or variant.critic_steps)
    points = ring_samples(every * batch_size, generator=torch.Generator().manual_seed(seed))
    generator, critic = _networks(width, depth, seed)
    average = None if decay is None else moving_average(generator, decay)
    axis = torch.linspace(-_REACH, _REACH, _GRID)
    snapshots: list[RingSnapshot] = []

    def look(network: nn.Module, record: dict) -> None:
        losses = {loss: record[loss] for loss in ("critic", "generator") if loss in record}
        snapshots.append(_snapshot(network, critic, axis, every * record["epoch"], losses))
        if on_snapshot and on_snapshot(run()):
            raise _Stop

    def run() -> RingRun:
        about = name, float(learning_rate), k, points[:_SHOWN], axis, tuple(snapshots)
        return RingRun(*about, generator, critic, average)

    try:
        look(average or generator, {"epoch": 0})
        if steps:
            settings = {"epochs": steps // every, "batch_size": batch_size, "critic_steps": k, "seed": seed}
            shown = {"average": average, "progress": progress, "on_epoch_end": look}
            fit(generator, critic, points, variant, **settings, **shown)  # type: ignore[arg-type]
    except _Stop:
        pass
    return run()


def _chosen(method: str | RingMethod) -> tuple[str, RingMethod]:
    if isinstance(method, RingMethod):
        return method.variant.name, method
    check_choice("method", method, tuple(RING_METHODS))
    return method, RING_METHODS[method]


def _networks(width: int, depth: int, seed: int) -> tuple[nn.Module, nn.Module]:
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        return MLPGenerator((2,), _LATENT, width, depth), MLPCritic((2,), width, depth)


@torch.no_grad()
def _snapshot(
    generator: nn.Module, critic: nn.Module, axis: Tensor, steps: int, losses: dict[str, float]
) -> RingSnapshot:
    made = generate(generator, torch.randn(_MADE, _LATENT, generator=torch.Generator().manual_seed(1)))
    grid = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), -1).flatten(0, 1)
    values = generate(critic, grid).view(len(axis), len(axis))
    return RingSnapshot(steps, made, values, mode_coverage(made, ring_centres()), losses)
