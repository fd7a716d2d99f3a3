"""Checks of a loop in which two networks train: who moves when, on what, by how much, and what is averaged.

The two networks and the losses that are handed in keep what they are shown; from that the whole game is played again.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from advcourse.grading.checks import fail

LATENT = 3


class Maker(nn.Module):
    """A generator, latents ``(N, 3)`` to points ``(N, 2)``, that keeps what it is given; it has buffers, too."""

    def __init__(self, seed: int, dtype: torch.dtype):
        super().__init__()
        draw = torch.Generator().manual_seed(seed)
        self.inner = nn.Linear(LATENT, 4, bias=False, dtype=dtype)
        self.norm = nn.BatchNorm1d(4, dtype=dtype)
        self.outer = nn.Linear(4, 2, dtype=dtype)
        with torch.no_grad():
            for p in self.parameters():
                p.copy_(torch.randn(p.shape, generator=draw, dtype=torch.float64))
        self.latents: list[Tensor] = []

    def forward(self, z: Tensor) -> Tensor:
        if z.dim() != 2 or z.shape[1] != LATENT or z.dtype != self.outer.weight.dtype:
            wanted = f"(N, {LATENT}) in {self.outer.weight.dtype}, the dtype of the images"
            fail(f"the generator is given latents {tuple(z.shape)} in {z.dtype}, expected {wanted}")
        self.latents.append(z.detach().clone())
        return self.outer(self.norm(self.inner(z)).tanh())


class Judge(nn.Module):
    """A critic of points, ``(N, 2)`` to ``(N,)``."""

    def __init__(self, seed: int, dtype: torch.dtype):
        super().__init__()
        draw = torch.Generator().manual_seed(seed)
        self.inner, self.outer = nn.Linear(2, 4, dtype=dtype), nn.Linear(4, 1, dtype=dtype)
        with torch.no_grad():
            for p in self.parameters():
                p.copy_(torch.randn(p.shape, generator=draw, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        return self.outer(self.inner(x).tanh())[:, 0]


@dataclass
class Event:
    """One call of a loss, or of what comes after a critic's step (``"a"``)."""

    kind: str
    judge: Tensor
    maker: Tensor
    real: Tensor | None = None
    fake: Tensor | None = None
    latents: Tensor | None = None
    modes: tuple[bool, bool] = (True, True)


@dataclass
class Game:
    """What was played with, what was seen, and what came back."""

    name: str
    maker: Maker
    judge: Judge
    first: tuple[Maker, Judge]
    batches: list[Tensor]
    steps: int
    rounds: int
    rates: tuple[float, float]
    decay: float
    stated: tuple[bool, bool]
    shrinks: bool
    events: list[Event] = field(default_factory=list)
    average: nn.Module | None = None


def weights_of(network: nn.Module) -> Tensor:
    """All parameters in one row, in float64."""
    return torch.cat([p.detach().flatten().double() for p in network.parameters()])


def critic_loss(critic: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """Of the games; of the made images it does not take the graph off."""
    return F.softplus(critic(fake) - critic(real)) + 0.1 * critic(real).square()


def generator_loss(critic: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """Of the games; it looks at the real batch, too."""
    return F.softplus(critic(real) - critic(fake)) * 1.5


def shrink(critic: nn.Module) -> None:
    """What comes after a step of the critic in the games: its weights become smaller."""
    with torch.no_grad():
        for p in critic.parameters():
            p.mul_(0.9)


def real_batches(sizes: list[int], dtype: torch.dtype, seed: int) -> list[Tensor]:
    """Points around (1, 1), as many in a batch as its size says."""
    draw = torch.Generator().manual_seed(seed)
    return [torch.randn(size, 2, generator=draw, dtype=torch.float64).to(dtype) + 1 for size in sizes]


def played(
    function: Callable,
    *,
    rounds: int = 3,
    steps: int = 2,
    sizes: tuple[int, ...] = (5, 8, 6),
    rates: tuple[float, float] = (0.03, 0.02),
    decay: float = 0.8,
    shrinks: bool = False,
    dtype: torch.dtype = torch.float64,
    training: tuple[bool, bool] = (True, True),
    stale: bool = False,
    seed: int = 0,
) -> Game:
    """Has ``function`` train; every call of a loss is kept.

    Args:
        sizes: of the batches, again and again.
        training: whether generator and critic are in train mode.
        stale: whether parameters come with a gradient that somebody left there.
    """
    name, count = function.__name__, rounds * (steps + 1)
    given = real_batches([sizes[i % len(sizes)] for i in range(count)], dtype, seed)
    maker, judge = Maker(seed, dtype).train(training[0]), Judge(seed + 1, dtype).train(training[1])
    made = Game(
        name, maker, judge, copy.deepcopy((maker, judge)), given, steps, rounds, rates, decay, training, shrinks
    )

    def kept(kind: str, loss: Callable) -> Callable:
        def recorded(critic: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
            if critic is not judge:
                fail(f"{name} shows the losses another critic than the one it was given")
            _looked_at(made, kind, real, fake)
            return loss(critic, real, fake)

        return recorded

    def after(critic: nn.Module) -> None:
        made.events.append(Event("a", weights_of(judge), weights_of(maker)))
        shrink(critic)

    def supply() -> Iterator[Tensor]:
        for each in given:
            yield each.clone()
        fail(f"{name} takes more batches than it makes steps: expected {count}, one for each")

    for p in [*maker.parameters(), *judge.parameters()] if stale else []:
        p.grad = torch.ones_like(p)
    state, chance = torch.get_rng_state(), torch.Generator().manual_seed(seed)
    losses = kept("c", critic_loss), kept("g", generator_loss)
    more = {"after": after} if shrinks else {}
    made.average = function(maker, judge, supply(), losses, rounds, steps, LATENT, rates, decay, chance, **more)
    if not torch.equal(state, torch.get_rng_state()):
        fail(f"{name} draws from PyTorch's global random numbers: hand `generator=chance` to torch.randn")
    return made


def _looked_at(made: Game, kind: str, real: Tensor, fake: Tensor) -> None:
    name, whose = made.name, "critic" if kind == "c" else "generator"
    for word, each in (("real", real), ("fake", fake)):
        if not isinstance(each, Tensor) or each.dim() != 2 or each.shape[1] != 2:
            fail(f"{name}: the {whose}'s loss is given what is no batch of points as {word}: (critic, real, fake)")
    if len(real) != len(fake):
        fail(f"{name}: the {whose}'s loss is given {len(real)} real and {len(fake)} made images: as many of each")
    if kind == "c" and fake.requires_grad:
        fail(f"{name}: in the critic's step the made images carry the generator's graph: make them in torch.no_grad()")
    if kind == "g" and not fake.requires_grad:
        fail(f"{name}: in the generator's step the made images have no graph: no gradient can reach the generator")
    if kind == "c" and not all(p.requires_grad for p in made.judge.parameters()):
        fail(
            f"{name}: in its own step the critic's parameters do not require a gradient: were they frozen, and left so?"
        )
    z = made.maker.latents[-1] if made.maker.latents else None
    modes = (made.maker.training, made.judge.training)
    shown = real.detach().clone(), fake.detach().clone()
    made.events.append(Event(kind, weights_of(made.judge), weights_of(made.maker), *shown, z, modes))


# -- who moves when, and on what


def takes_turns(made: Game) -> None:
    """The order of the steps, the batches and latents of each, the modes, and what is left behind."""
    _in_order(made)
    name, seen = made.name, [e for e in made.events if e.kind != "a"]
    for i, (event, right) in enumerate(zip(seen, made.batches, strict=True)):
        whose = "critic" if event.kind == "c" else "generator"
        if not torch.equal(event.real, right):  # type: ignore[arg-type]
            if i and torch.equal(event.real, seen[i - 1].real):  # type: ignore[arg-type]
                fail(f"{name}: step {i + 1}, the {whose}'s, has the batch of the step before it: take the next one")
            fail(f"{name}: step {i + 1}, the {whose}'s, has not batch {i + 1} of those that it was given")
        if event.latents is None or tuple(event.latents.shape) != (len(right), LATENT):
            came = None if event.latents is None else tuple(event.latents.shape)
            fail(f"{name}: latents of step {i + 1} have the shape {came}, expected {(len(right), LATENT)}")
        if event.latents.dtype != right.dtype:
            fail(f"{name}: latents are {event.latents.dtype}, expected {right.dtype}, the dtype of the batch")
        if event.modes != made.stated:
            fail(f"{name}: a network is in another mode than it came in: leave their modes alone")
        for j, other in enumerate(seen[:i]):
            if torch.equal(event.latents[:1], other.latents[:1]):  # type: ignore[index]
                fail(f"{name}: step {i + 1} has the latents of step {j + 1}: every step draws its own")
    latents = torch.cat([e.latents.double().flatten() for e in seen])  # type: ignore[union-attr]
    if len(latents) >= 500 and ((latents.mean().abs() > 0.3) or (latents.std() - 1).abs() > 0.3):
        told = f"mean {latents.mean():.2f} and standard deviation {latents.std():.2f}"
        fail(f"{name}: latents have {told}, expected a standard normal distribution")
    _left_behind(made)


def _in_order(made: Game) -> None:
    name, k = made.name, made.steps
    order = "".join(e.kind for e in made.events)
    turn = ("ca" if made.shrinks else "c") * k + "g"
    if order == turn * made.rounds:
        return
    plain = order.replace("a", "")
    if plain == ("c" * k + "g") * made.rounds:
        fail(f"{name}: `after` is to be called once after each step of the critic; the calls were {order!r}")
    ratio = f"expected {'c' * k}g in each of {made.rounds} rounds: {k} of the critic, then one of the generator"
    fail(f"{name}: steps of critic (c) and generator (g) came as {plain or 'none'}; {ratio}")


def _left_behind(made: Game) -> None:
    name = made.name
    if (made.maker.training, made.judge.training) != made.stated:
        fail(f"{name} leaves a network in another mode than it came in")
    for word, network in (("generator", made.maker), ("critic", made.judge)):
        for p in network.parameters():
            if not p.requires_grad:
                fail(f"{name} leaves parameters of the {word} that do not require a gradient")
            if p.grad is not None and p.grad.any():
                fail(f"{name} leaves a .grad in the {word}: zero_grad() once more at the end")
