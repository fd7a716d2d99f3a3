"""Checks of what a game changed: it is played again from what was kept, as it should be and with one mistake."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from advcourse.grading.checks import fail
from advcourse.grading.games import Game, critic_loss, generator_loss, played, shrink, weights_of

BETAS = (0.0, 0.9)

# -- by how much


@dataclass(frozen=True)
class Rules:
    """How a game is played again: as it should be, or with one mistake."""

    betas: tuple[float, float] = BETAS
    swapped: bool = False
    kept: tuple[bool, bool] = (False, False)
    cleared_before: bool = True
    sums: bool = False
    rises: bool = False
    stale: bool = False
    plain: bool = False
    shrinks_first: bool = False


MISTAKES = {
    "β₁ is 0.9, Adam's usual one, expected 0": Rules(betas=(0.9, 0.9)),
    "β is (0.9, 0.999), Adam's usual one, expected (0, 0.9)": Rules(betas=(0.9, 0.999)),
    "β₂ is 0.999, Adam's usual one, expected 0.9": Rules(betas=(0.0, 0.999)),
    "β₁ is 0.5, expected 0": Rules(betas=(0.5, 0.9)),
    "β is (0.5, 0.999), expected (0, 0.9)": Rules(betas=(0.5, 0.999)),
    "the two of β are exchanged": Rules(betas=(0.9, 0.0)),
    "the rates are exchanged: the first is the critic's": Rules(swapped=True),
    "the critic's gradients add up from step to step: zero_grad": Rules(kept=(True, False)),
    "the generator's gradients add up from step to step: zero_grad": Rules(kept=(False, True)),
    "gradients add up from step to step: zero_grad": Rules(kept=(True, True)),
    "the generator's step leaves a gradient in the critic, and the critic's next step takes it for its own": Rules(
        cleared_before=False
    ),
    "losses are summed over the batch, expected their mean": Rules(sums=True),
    "a loss rises: the optimiser lowers what .backward() is called on": Rules(rises=True),
    "gradients that the networks came with are taken for the first step's": Rules(stale=True),
    "gradients that the networks came with are never cleared": Rules(stale=True, kept=(True, True)),
    "that is gradient descent, expected Adam": Rules(plain=True),
}


def again(made: Game, rules: Rules) -> list[tuple[Tensor, Tensor]]:
    """The weights of critic and generator before every call that was kept, and at the end."""
    maker, judge = copy.deepcopy(made.first)
    networks, path, rates = (judge, maker), [], made.rates[::-1] if rules.swapped else made.rates
    if rules.stale:
        for p in [*maker.parameters(), *judge.parameters()]:
            p.grad = torch.ones_like(p)
    steppers: list[torch.optim.Optimizer] = [
        torch.optim.SGD(n.parameters(), lr=r) if rules.plain else torch.optim.Adam(n.parameters(), r, rules.betas)
        for n, r in zip(networks, rates, strict=True)
    ]
    for i, event in enumerate(made.events):
        path.append((weights_of(judge), weights_of(maker)))
        if event.kind == "a":
            shrink(judge)
            continue
        turn = 0 if event.kind == "c" else 1
        with torch.set_grad_enabled(turn == 1):
            fake = maker(event.latents)
        if not (rules.kept[turn] or (rules.stale and i < 1) or not rules.cleared_before):
            steppers[turn].zero_grad()
        values = (critic_loss, generator_loss)[turn](judge, event.real, fake)  # type: ignore[arg-type]
        whole = values.sum() if rules.sums else values.mean()
        (-whole if rules.rises else whole).backward()
        steppers[turn].step()
        if not rules.cleared_before:
            steppers[turn].zero_grad()
    return [*path, (weights_of(judge), weights_of(maker))]


def replayed(made: Game) -> None:
    """Every step moves one network alone, by what Adam makes of the gradient of its own mean loss."""
    name = made.name
    _was_played(made)
    found = [(e.judge, e.maker) for e in made.events] + [(weights_of(made.judge), weights_of(made.maker))]
    _one_at_a_time(made, found)
    near = (1e-7, 1e-9) if made.batches[0].dtype == torch.float64 else (1e-2, 2e-3)

    def agrees(rules: Rules) -> bool:
        pairs = zip(found, again(made, rules), strict=True)
        return all(torch.allclose(a, b, *near) for own, right in pairs for a, b in zip(own, right, strict=True))

    if agrees(Rules()):
        return
    for why, rules in MISTAKES.items():
        if agrees(rules):
            fail(f"{name}: {why}")
    for i, (own, right) in enumerate(zip(found, again(made, Rules()), strict=True)):
        for word, a, b in zip(("critic", "generator"), own, right, strict=True):
            if not torch.allclose(a, b, *near):
                fail(
                    f"{name}: after {i} calls a weight of the {word} is {a[(a - b).abs().argmax()]:.5g}, expected "
                    f"{b[(a - b).abs().argmax()]:.5g}: Adam, rates and β, mean losses, gradients of this step alone"
                )


def _one_at_a_time(made: Game, found: list[tuple[Tensor, Tensor]]) -> None:
    kinds, name = [e.kind for e in made.events], made.name
    for i, kind in enumerate(kinds):
        own, other = (1, 0) if kind == "g" else (0, 1)
        if not torch.equal(found[i][other], found[i + 1][other]):
            whose = ("critic", "generator")[other]
            fail(f"{name}: the weights of the {whose} change in a step that is not its own")
        if kind != "a" and torch.equal(found[i][own], found[i + 1][own]):
            fail(f"{name}: the weights of the {('critic', 'generator')[own]} stay as they are in its own step")


# -- what is averaged


def _was_played(made: Game) -> None:
    if not made.events:
        fail(f"{made.name} never asks for a loss")


def draws_anew(function: Callable) -> None:
    """The latents come from ``chance`` as it is handed in: in another state it gives others."""
    games = [played(function, steps=1, rounds=1, seed=seed) for seed in (1, 2)]
    one, other = ([e.latents for e in game.events if e.latents is not None] for game in games)
    if any(torch.equal(mine[:1], theirs[:1]) for mine, theirs in zip(one, other, strict=True)):
        fail(f"{function.__name__} draws the same latents from another generator: is `chance` seeded again inside?")


def averages(made: Game) -> None:
    """The network that came back is the moving average of the generator's weights, with its buffers as they are."""
    _was_played(made)
    name, network, keep = made.name, made.average, made.decay
    if not isinstance(network, nn.Module):
        fail(f"{name} returned a {type(network).__name__}; expected the averaged generator, a network")
    if network is made.maker:
        fail(f"{name} returned the generator itself, expected its average, a network of its own")
    mine = {p.data_ptr() for p in made.maker.parameters()}
    if any(p.data_ptr() in mine for p in network.parameters()):
        fail(f"{name}: the average shares its parameters with the generator: copy.deepcopy at the start")
    path = [e.maker for e in made.events] + [weights_of(made.maker)]
    kinds = [e.kind for e in made.events]
    after = {kind: [path[i + 1] for i, each in enumerate(kinds) if each in kind] for kind in ("g", "cg")}
    start = weights_of(made.first[0])

    def mean(weights: list[Tensor], keep: float, first: Tensor) -> Tensor:
        for each in weights:
            first = keep * first + (1 - keep) * each
        return first

    found, right = weights_of(network), mean(after["g"], keep, start)
    near = (1e-7, 1e-9) if made.batches[0].dtype == torch.float64 else (1e-4, 1e-5)
    if found.shape != right.shape:
        fail(f"{name} returned a network with {len(found)} weights, expected the generator's {len(right)}")
    if not torch.allclose(found, right, *near):
        wrong = {
            "decay is the share of what was there before": mean(after["g"], 1 - keep, start),
            "that is the generator as it ended": path[-1],
            "that is the generator as it began": start,
            "it begins with zeros, expected the generator as it came": mean(after["g"], keep, 0 * start),
            "it begins with the weights after the first step": mean(after["g"][1:], keep, after["g"][0]),
            "it takes in the generator after steps of the critic, too": mean(after["cg"], keep, start),
            "it takes in the generator before each of its steps": mean([start, *after["g"][:-1]], keep, start),
            "every step counts the same": (torch.stack(after["g"]).mean(0)),
            "every step counts the same ": torch.stack([start, *after["g"]]).mean(0),
        }
        for why, each in wrong.items():
            if torch.allclose(found, each, *near):
                fail(f"{name}, the average: {why.strip()}")
        i = int((found - right).abs().argmax())
        fail(f"{name}: a weight of the average is {found[i]:.5g}, expected {right[i]:.5g}")
    moved = any(not torch.equal(*pair) for pair in zip(made.maker.buffers(), made.first[0].buffers(), strict=True))
    if moved is not made.stated[0]:
        what = "moved" if moved else "as they came"
        fail(f"{name}: the generator's running means are {what} at the end: they are its own passes', and stay so")
    for own, other in zip(network.buffers(), made.maker.buffers(), strict=True):
        if not torch.equal(own, other):
            fail(f"{name}: the average has other running means than the generator: take its buffers over as they are")
        if own.data_ptr() == other.data_ptr():
            fail(f"{name}: the average shares its buffers with the generator")
    if network.training != made.stated[0]:
        fail(f"{name}: the average is in another mode than the generator")
