"""Runs on the ring of eight: what they keep, that they are runs of the one trainer, stops and bad input."""

from dataclasses import replace
from functools import partial

import pytest
import torch

from advcourse import gan, training
from advcourse.gan import RING_METHODS, generate, play_ring
from advcourse.gan.metrics import mode_coverage, ring_centres, ring_samples
from advcourse.networks import MLPCritic, MLPGenerator
from tests.support.refusals import refused
from tests.support.traces import undrawn

small = partial(play_ring, every=3, batch_size=16, width=8, depth=2, progress=False)


def weights(network):
    return torch.cat([each.detach().flatten() for each in network.parameters()])


@pytest.mark.parametrize("name", RING_METHODS)
def test_every_method_plays_and_keeps_its_moments(name):
    with undrawn():
        run = small(name, steps=6)
    assert run.name == name and [each.steps for each in run.snapshots] == [0, 3, 6]
    first, _, last = run.snapshots
    assert first.losses == {} and "critic" in last.losses
    assert first.points.shape == (2500, 2) and first.values.shape == (len(run.axis), len(run.axis))
    assert run.coverage == last.coverage == mode_coverage(last.points, ring_centres())
    again = small(name, steps=6)
    assert torch.equal(weights(again.generator), weights(run.generator))
    assert not torch.equal(weights(small(name, steps=6, seed=1).generator), weights(run.generator))
    assert not torch.equal(weights(small(name, steps=6, learning_rate=0.01).critic), weights(run.critic))


def test_a_run_is_what_the_trainer_makes_of_the_same_networks_and_points():
    run = small("WGAN-GP", steps=6, seed=5, decay=0.5, learning_rate=0.002)
    points = ring_samples(48, generator=torch.Generator().manual_seed(5))
    torch.manual_seed(5)
    generator, critic = MLPGenerator((2,), 2, 8, 2), MLPCritic((2,), 8, 2)
    average, adam = training.moving_average(generator, 0.5), partial(torch.optim.Adam, lr=0.002, betas=(0.0, 0.9))
    variant = replace(gan.wgan_gp(weight=0.1), critic_optimizer=adam, generator_optimizer=adam)
    given = {"epochs": 2, "batch_size": 16, "critic_steps": 2, "seed": 5, "average": average, "progress": False}
    history = gan.fit(generator, critic, points, variant, **given)
    for found, expected in ((run.generator, generator), (run.critic, critic), (run.average, average)):
        assert torch.equal(weights(found), weights(expected))
    assert [each.losses["critic"] for each in run.snapshots[1:]] == [record["critic"] for record in history]
    latents = torch.randn(2500, 2, generator=torch.Generator().manual_seed(1))
    assert torch.equal(run.snapshots[-1].points, generate(average, latents))
    assert torch.equal(run.real, points)


def test_the_values_are_the_critics_with_rows_going_up():
    run = small("GAN", steps=3)
    at = run.axis[[7]], run.axis[[40]]
    point = torch.stack([at[0], at[1]], 1)
    torch.testing.assert_close(run.snapshots[-1].values[40, 7], run.critic(point).detach()[0])


def test_k_is_the_methods_unless_another_is_given():
    assert small("WGAN", steps=3).critic_steps == 5 and small("WGAN-GP", steps=3).critic_steps == 2
    run = small("GAN", steps=3, critic_steps=4)
    assert run.critic_steps == 4 and "generator" not in run.snapshots[-1].losses
    assert torch.equal(weights(run.generator), weights(small("GAN", steps=0).generator))


def test_it_ends_where_the_listener_says_so():
    heard = []

    def listen(run):
        heard.append(run.snapshots[-1].steps)
        return len(heard) == 3

    run = small("GAN", steps=30, on_snapshot=listen)
    assert heard == [0, 3, 6] and [each.steps for each in run.snapshots] == heard
    assert torch.equal(weights(run.generator), weights(small("GAN", steps=6).generator))
    assert len(small("GAN", steps=0).snapshots) == 1


def test_a_loss_that_is_no_longer_finite_is_an_error():
    with pytest.raises(FloatingPointError, match="critic"):
        small("LSGAN", steps=300, learning_rate=1e20)


@pytest.mark.parametrize(
    "given, message",
    [
        ({"method": "DCGAN"}, "method is 'DCGAN', expected one of GAN, saturating, GAN, LSGAN"),
        ({"method": None}, "method is None, expected one of"),
        ({"steps": 4}, "steps is 4, expected a multiple of every, 3"),
        ({"steps": -3}, "steps is -3, expected at least 0"),
        ({"every": 0}, "every is 0, expected at least 1"),
        ({"learning_rate": 0}, "learning_rate is 0, expected more than 0"),
        ({"critic_steps": 0}, "critic_steps is 0, expected at least 1"),
        ({"decay": 2}, "decay is 2, expected"),
        ({"batch_size": 1.5}, "batch_size is 1.5, expected a whole number"),
        ({"width": 0}, "width is 0, expected"),
        ({"progress": "no"}, "progress is 'no', expected True or False"),
        ({"on_snapshot": 3}, "on_snapshot is a int, expected a callable"),
    ],
)
def test_bad_input_is_refused(given, message):
    with refused(message):
        small(**{"method": "GAN", "steps": 3} | given)


@pytest.mark.slow
def test_the_first_game_drops_modes_that_r3gan_covers():
    found = {name: play_ring(name, steps=1200, decay=0.999, progress=False).coverage for name in ("GAN", "R3GAN")}
    assert found["R3GAN"].value > found["GAN"].value
