"""The steps of GAN variants, each setting and library on networks that begin alike, and what they are compared by."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import torch
import torch._inductor.config
from torch import Tensor

from advcourse import gan
from advcourse.networks import gan_networks
from advcourse.training.loop import precision
from benchmarks import gan_peers
from benchmarks.timing import interleaved, ratios, seconds

BATCH, WIDTH, SEED = 64, 64, 3
SAME = 1e-4
"""Relative difference of two libraries' losses and gradients that rounding explains in float32."""
NETWORKS = {"DCGAN-28": (28, 1), "DCGAN-32": (32, 3)}
VARIANTS: dict[str, Callable[[], gan.Variant]] = {
    "standard_gan": gan.standard_gan,
    "lsgan": gan.lsgan,
    "wgan": gan.wgan,
    "wgan_gp": gan.wgan_gp,
    "r3gan": gan.r3gan,
}


@dataclass(frozen=True)
class Setting:
    compiled: bool = False
    mixed_precision: str = "no"
    layout: torch.memory_format = torch.contiguous_format
    graphs: bool = False


EAGER = "eager, float32"
SETTINGS = {
    EAGER: Setting(),
    "compiled": Setting(compiled=True),
    "bfloat16": Setting(mixed_precision="bf16"),
    "channels_last": Setting(layout=torch.channels_last),
    "compiled, bfloat16": Setting(compiled=True, mixed_precision="bf16"),
    "compiled, CUDA graphs": Setting(compiled=True, graphs=True),
}
"""The last on CUDA alone. The generator's step is compiled in none of them."""


@dataclass(frozen=True)
class Timing:
    """Rounds, each with so many steps of everything compared."""

    rounds: int
    repeats: int
    device: torch.device
    clock: str


class Steps:
    """A variant's two steps under a setting, on networks of their own that begin alike."""

    def __init__(self, network: str, variant: gan.Variant, setting: Setting, device: torch.device):
        size, channels = NETWORKS[network]
        torch.manual_seed(SEED)
        norm = "layer" if variant.second_order else "batch"
        pair = gan_networks("DCGAN", size, channels, WIDTH, norm=norm)
        self.generator, self.critic = (each.to(device).to(memory_format=setting.layout) for each in pair)
        self.real = torch.rand(BATCH, channels, size, size).to(device, memory_format=setting.layout)
        self.variant, self.setting, self.device = variant, setting, device
        self.critic_optimizer = variant.critic_optimizer(self.critic.parameters())
        self.generator_optimizer = variant.generator_optimizer(self.generator.parameters())
        self.mean_loss = self.eager
        if setting.compiled:
            self.mean_loss = gan.critic_gradients(self.critic, variant, setting.mixed_precision)

    def latents(self) -> Tensor:
        return torch.randn(BATCH, self.generator.latent, device=self.device)

    def made(self, latents: Tensor) -> Tensor:
        with torch.no_grad(), precision(self.device, self.setting.mixed_precision):
            return self.generator(latents).float()

    def eager(self, real: Tensor, fake: Tensor, share: Tensor) -> Tensor:
        with precision(self.device, self.setting.mixed_precision):
            mean = self.variant.critic_loss(self.critic, real, fake, share).float().mean()
        mean.backward()
        return mean.detach()

    def critic_step(self) -> None:
        share = torch.rand(BATCH, device=self.device)
        self.critic_optimizer.zero_grad()
        self.mean_loss(self.real, self.made(self.latents()), share)
        self.critic_optimizer.step()
        if self.variant.after_critic_step:
            self.variant.after_critic_step(self.critic)

    def generator_step(self) -> None:
        self.generator_optimizer.zero_grad()
        self.critic.requires_grad_(False)
        with precision(self.device, self.setting.mixed_precision):
            made = self.generator(self.latents())
            mean = self.variant.generator_loss(self.critic, self.real, made).float().mean()
        mean.backward()
        self.critic.requires_grad_(True)
        self.generator_optimizer.step()

    def gradient(self, fake: Tensor, share: Tensor) -> tuple[float, Tensor]:
        """The critic's mean loss, and its gradient as one vector."""
        self.critic.zero_grad()
        mean = self.mean_loss(self.real, fake, share).item()
        return mean, flat([each.grad for each in self.critic.parameters() if each.grad is not None])

    def game(self) -> gan_peers.Game:
        return gan_peers.Game(self.generator, self.critic, self.generator_optimizer, self.critic_optimizer, self.real)


@dataclass
class Row:
    """What was measured of a setting, or of a library.

    Attributes:
        critic, generator: seconds of a step, in every round.
        of_critic, of_generator: of those of the first row, in the same rounds.
        first: seconds of the critic's first gradient.
        losses: the critic's of the first row and its own, of the same images and draws.
        differs: the critic's gradient from that of the first row, relative.
        failed: what stopped it.
    """

    network: str
    variant: str
    name: str
    critic: list[float] = field(default_factory=list)
    generator: list[float] = field(default_factory=list)
    of_critic: list[float] = field(default_factory=list)
    of_generator: list[float] = field(default_factory=list)
    first: float = 0.0
    losses: tuple[float, float] = (0.0, 0.0)
    differs: float = 0.0
    failed: str = ""

    @property
    def same(self) -> bool:
        """Rounding explains what the loss and the gradient differ by."""
        ours, theirs = self.losses
        return self.differs <= SAME and math.isclose(ours, theirs, rel_tol=SAME, abs_tol=SAME)

    def compiling(self) -> float:
        """Seconds by which the first step took longer than another."""
        return self.first - statistics.median(self.critic)


def settings_of(network: str, name: str, settings: Sequence[str], timing: Timing) -> list[Row]:
    """A row for each setting, the first of them what the others are compared with."""
    variant, rows, steps = VARIANTS[name](), [], {}
    expected: tuple[float, Tensor] | None = None
    for setting in settings:
        one, row = Steps(network, variant, SETTINGS[setting], timing.device), Row(network, name, setting)
        if expected is None:
            fake, share = one.made(one.latents()), torch.rand(BATCH).to(timing.device)
        found: list[tuple[float, Tensor]] = []
        try:
            with torch._inductor.config.patch({"triton.cudagraphs": one.setting.graphs}):  # as mode="reduce-overhead"
                row.first = seconds(partial(kept, found, one, fake, share), timing.device)
                repeated(one.critic_step, 2)()  # graphs may fail when they are replayed
        except RuntimeError as error:
            row.failed = type(error).__name__
        else:
            steps[setting] = (one.critic_step, one.generator_step)
            expected = expected or found[0]
            row.losses, row.differs = (expected[0], found[0][0]), relative(found[0][1], expected[1])
        rows.append(row)
    timed(rows, steps, timing)
    return rows


def kept(found: list, one: Steps, fake: Tensor, share: Tensor) -> None:
    loss, gradient = one.gradient(fake, share)
    found.append((loss, gradient.clone()))


def libraries(network: str, peers: Sequence[str], timing: Timing) -> list[Row]:
    """WGAN-GP: a row for ours and for each peer, on networks that begin alike."""
    steps: dict[str, tuple[Callable, Callable]] = {}
    rows = [Row(network, "wgan_gp", "advcourse")]
    ours = Steps(network, gan.wgan_gp(), SETTINGS[EAGER], timing.device)
    steps["advcourse"] = (ours.critic_step, ours.generator_step)
    fake = ours.made(ours.latents())
    torch.manual_seed(SEED)
    expected = ours.gradient(fake, torch.rand(BATCH).to(timing.device))
    for name in peers:
        one, row = Steps(network, gan.wgan_gp(), SETTINGS[EAGER], timing.device), Row(network, "wgan_gp", name)
        peer = gan_peers.PEERS[name](one.game())
        rows.append(row)
        try:
            loss = peer.loss(one.real, fake, SEED)
            gradient = flat(torch.autograd.grad(loss, list(one.critic.parameters())))
        except RuntimeError as error:
            row.failed = str(error).split("\n")[0]
            continue
        row.losses, row.differs = (expected[0], loss.item()), relative(gradient, expected[1])
        steps[name] = (peer.critic, peer.generator)
    timed(rows, steps, timing)
    return rows


def timed(rows: list[Row], steps: Mapping[str, tuple[Callable, Callable]], timing: Timing) -> None:
    """Fill in the seconds of both steps, of all rows in the same rounds."""
    for place, kind in enumerate(("critic", "generator")):
        runs = {name: repeated(both[place], timing.repeats) for name, both in steps.items()}
        for run in runs.values():
            run()
        times = interleaved(runs, timing.rounds, timing.device, timing.clock)
        for row in rows:
            if row.name in times:
                setattr(row, kind, [each / timing.repeats for each in times[row.name]])
                setattr(row, f"of_{kind}", ratios(times[row.name], times[rows[0].name]))


def repeated(step: Callable[[], object], repeats: int) -> Callable[[], None]:
    def run() -> None:
        for _ in range(repeats):
            step()

    return run


def flat(parts: Sequence[Tensor]) -> Tensor:
    return torch.cat([each.detach().flatten() for each in parts])


def relative(found: Tensor, expected: Tensor) -> float:
    return ((found - expected).norm() / expected.norm()).item()
