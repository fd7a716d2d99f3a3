"""What the checks of a training loop say, and that right loops pass."""

import copy

import pytest
import torch

from advcourse.grading import games, replays
from tests.support.refusals import says


def looping(
    *,
    betas=(0.0, 0.9),
    order=lambda k: "c" * k + "g",
    graph=(False, True),
    clear=lambda both, own: both,
    latents=lambda n, latent, g, dtype: torch.randn(n, latent, generator=g, dtype=dtype),
    take=lambda kind, batches, last: next(batches),
    mean=torch.mean,
    hook="c",
    share=lambda d: d,
    when="g",
    buffers=True,
    back=lambda average, generator: average,
    last=lambda networks: [n.zero_grad() for n in networks],
    before=lambda networks: None,
):
    def train(generator, critic, batches, losses, rounds, critic_steps, latent, rates, decay, chance, after=None):
        networks, average, real = {"c": critic, "g": generator}, copy.deepcopy(generator), None
        before(networks.values())
        adam = {k: torch.optim.Adam(networks[k].parameters(), r, betas) for k, r in zip("cg", rates, strict=True)}
        for kind in order(critic_steps) * rounds:
            real = take(kind, batches, real)
            z = latents(len(real), latent, chance, real.dtype)
            with torch.set_grad_enabled(graph[kind == "g"]):
                fake = generator(z)
            for network in clear(list(networks.values()), [networks[kind]]):
                network.zero_grad()
            mean(losses[kind == "g"](critic, real, fake)).backward()
            adam[kind].step()
            if after and kind in hook:
                after(critic)
            with torch.no_grad():
                for a, w in zip(average.parameters(), generator.parameters(), strict=True):
                    if kind in when:
                        a.copy_(share(decay) * a + (1 - share(decay)) * w)
                for a, w in zip(average.buffers(), generator.buffers(), strict=True):
                    if buffers:
                        a.copy_(w)
        last(networks.values())
        return back(average, generator)

    return train


def checked(train, **settings):
    game = games.played(train, **settings)
    games.takes_turns(game)
    replays.replayed(game)
    replays.averages(game)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"steps": 1, "rounds": 5, "shrinks": True},
        {"steps": 3, "training": (False, True)},
        {"stale": True},
        {"steps": 4, "sizes": (60,), "decay": 0.2},
    ],
)
def test_right_loops_pass(settings, dtype):
    checked(looping(), dtype=dtype, **settings)
    checked(looping(clear=lambda both, own: own), dtype=dtype, **settings)


def frozen(networks):
    for network in networks:
        network.zero_grad()
        network.requires_grad_(False)


def twice(kind, batches, last):
    return next(batches) if kind == "c" or last is None else last


@pytest.mark.parametrize(
    "changed, pattern",
    [
        ({"order": lambda k: "cg" * k}, "more batches than it makes steps"),
        ({"order": lambda k: "c" * (k - 1) + "g"}, "came as cgcg"),
        ({"order": lambda k: "g" + "c" * k}, "came as gcc"),
        ({"order": lambda k: "c" * (k + 1) + "g"}, "more batches than it makes steps|came as"),
        ({"take": twice}, "the batch of the step before"),
        ({"graph": (True, True)}, "carry the generator's graph"),
        ({"graph": (False, False)}, "no gradient can reach the generator"),
        ({"latents": lambda n, z, g, t: torch.randn(n, z, dtype=t)}, "global random numbers"),
        ({"latents": lambda n, z, g, t: torch.rand(n, z, generator=g, dtype=t)}, "standard normal"),
        ({"latents": lambda n, z, g, t: torch.randn(n, z, generator=g.manual_seed(0), dtype=t)}, "draws its own"),
        ({"latents": lambda n, z, g, t: torch.randn(3, z, generator=g, dtype=t)}, "as many of each"),
        ({"hook": "cg"}, "once after each step of the critic"),
        ({"hook": ""}, "once after each step of the critic"),
        ({"last": lambda networks: None}, "leaves a .grad"),
        ({"last": frozen}, "do not require a gradient"),
        ({"before": lambda networks: [n.eval() for n in networks]}, "another mode"),
        ({"betas": (0.9, 0.999)}, r"β is \(0.9, 0.999\)"),
        ({"betas": (0.5, 0.999)}, r"β is \(0.5, 0.999\)"),
        ({"betas": (0.0, 0.999)}, "β₂ is 0.999"),
        ({"betas": (0.3, 0.9)}, "after 1|after 2|after 3|after 4"),
        ({"mean": torch.sum}, "summed over the batch"),
        ({"mean": lambda v: -v.mean()}, "a loss rises"),
        ({"clear": lambda both, own: []}, "add up from step to step"),
        ({"share": lambda d: 1 - d}, "the share of what was there before"),
        ({"when": "cg"}, "after steps of the critic, too"),
        ({"when": ""}, "the generator as it began"),
        ({"buffers": False}, "running means"),
        ({"back": lambda average, generator: generator}, "the generator itself"),
        ({"back": lambda average, generator: copy.deepcopy(generator)}, "the generator as it ended"),
        ({"back": lambda average, generator: None}, "returned a NoneType"),
        ({"back": lambda average, generator: average.eval()}, "in another mode than the generator"),
    ],
)
def test_what_is_said_of_a_loop(changed, pattern):
    with says(pattern):
        checked(looping(**changed), shrinks=True, sizes=(40, 60, 50))


def test_a_gradient_of_the_generators_step_in_the_critics_is_told():
    def train(generator, critic, batches, losses, rounds, critic_steps, latent, rates, decay, chance, after=None):
        adam = [
            torch.optim.Adam(n.parameters(), r, (0.0, 0.9)) for n, r in zip((critic, generator), rates, strict=True)
        ]
        for turn in ([0] * critic_steps + [1]) * rounds:
            real = next(batches)
            with torch.set_grad_enabled(turn == 1):
                fake = generator(torch.randn(len(real), latent, generator=chance, dtype=real.dtype))
            losses[turn](critic, real, fake).mean().backward()
            adam[turn].step()
            adam[turn].zero_grad()

    with says("the critic's next step takes it for its own"):
        replays.replayed(games.played(train))
    with says("never cleared"):
        replays.replayed(games.played(looping(clear=lambda both, own: []), rounds=1, steps=1, stale=True))
