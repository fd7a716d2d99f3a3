"""The way between latents against its closed form, and what a generator makes without a trace."""

import math

import pytest
import torch
from torch import nn

from advcourse.gan import generate, slerp
from advcourse.networks import DCGANGenerator, MLPGenerator
from tests.support.refusals import refused
from tests.support.scenes import seeded
from tests.support.traces import unchanged, undrawn

SHARES = torch.linspace(0, 1, 6)


def pair(latent=50, seed=0):
    return torch.randn(2, latent, generator=seeded(seed), dtype=torch.float64)


def angle(a, b):
    return 2 * torch.atan2((a / a.norm() - b / b.norm()).norm(), (a / a.norm() + b / b.norm()).norm())


@pytest.mark.parametrize("seed", range(3))
def test_of_equal_lengths_it_is_shoemakes_formula(seed):
    a, b = pair(seed=seed)
    b = b * a.norm() / b.norm()
    omega = torch.acos((a @ b) / a.norm().square())
    part = SHARES.double()[:, None]
    expected = (torch.sin((1 - part) * omega) * a + torch.sin(part * omega) * b) / torch.sin(omega)
    found = slerp(a, b, SHARES)
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(found.norm(dim=1), a.norm().expand(6))


def test_the_angles_are_equal_and_the_lengths_go_from_one_to_the_other():
    a, b = pair()
    walked = slerp(a, 3 * b, SHARES)
    turns = torch.stack([angle(one, other) for one, other in zip(walked, walked[1:], strict=False)])
    torch.testing.assert_close(turns, (angle(a, b) / 5).expand(5))
    torch.testing.assert_close(walked.norm(dim=1), a.norm() + SHARES.double() * (3 * b.norm() - a.norm()))
    torch.testing.assert_close(walked[0], a)
    torch.testing.assert_close(walked[-1], 3 * b)


def test_in_many_dimensions_it_keeps_the_length_that_the_straight_line_loses():
    a, b = torch.randn(2, 4000, generator=seeded(1))
    middle = slerp(a, b, 0.5)
    assert middle.norm().item() == pytest.approx(math.sqrt(4000), rel=0.05)
    assert ((a + b) / 2).norm().item() == pytest.approx(math.sqrt(2000), rel=0.05)


@pytest.mark.parametrize("tilt", [0.0, 1e-12])
def test_opposite_ends_are_joined_by_a_half_circle(tilt):
    a = torch.tensor([3.0, 4.0, 0.0], dtype=torch.float64)
    walked = slerp(a, -a + tilt * torch.tensor([4.0, -3.0, 0.0], dtype=torch.float64), SHARES)
    torch.testing.assert_close(walked.norm(dim=1), torch.full((6,), 5.0, dtype=torch.float64))
    torch.testing.assert_close(walked[-1], -a)
    turns = torch.stack([angle(one, other) for one, other in zip(walked, walked[1:], strict=False)])
    torch.testing.assert_close(turns, torch.full((5,), math.pi / 5, dtype=torch.float64))
    torch.testing.assert_close(slerp(a, -a, 0.5), torch.tensor([0.0, 0.0, 5.0], dtype=torch.float64))


def test_a_zero_end_keeps_the_direction_of_the_other_and_the_same_end_stays():
    a, zero = pair()[0], torch.zeros(50, dtype=torch.float64)
    torch.testing.assert_close(slerp(a, zero, 0.25), 0.75 * a)
    torch.testing.assert_close(slerp(zero, a, 0.25), 0.25 * a)
    assert torch.equal(slerp(zero, zero, SHARES), torch.zeros(6, 50, dtype=torch.float64))
    torch.testing.assert_close(slerp(a, a, SHARES), a.expand(6, 50))
    torch.testing.assert_close(slerp(a, a + 1e-13, 0.5), a)


def test_shape_and_precision_are_those_of_the_start_and_of_t():
    a, b = pair()[0].float(), pair()[1].float()
    assert slerp(a, b, 0.3).shape == slerp(a, b, torch.tensor(0.3)).shape == (50,)
    assert slerp(a, b, torch.tensor([0.3])).shape == (1, 50) and slerp(a, b, 0).dtype == torch.float32
    torch.testing.assert_close(slerp(a[:1], -a[:1], 1.0).abs(), a[:1].abs())


@pytest.mark.parametrize(
    "given, message",
    [
        ({"start": pair()}, r"start is \(2, 50\), expected one latent"),
        ({"end": None}, "end is NoneType, expected one latent"),
        ({"end": pair(49)[0]}, r"end has shape \(1, 49\), expected"),
        ({"start": pair()[0] / 0}, "start holds NaN or infinity"),
        ({"t": "half"}, "t is 'half', expected a finite number"),
        ({"t": torch.ones(2, 2)}, r"t is .*\(2, 2\), expected finite numbers"),
        ({"t": torch.tensor([math.nan])}, "t is .*expected finite numbers"),
    ],
)
def test_bad_ends_and_shares_are_refused(given, message):
    with refused(message):
        slerp(**{"start": pair()[0], "end": pair()[1], "t": 0.5} | given)


class Noisy(nn.Module):
    """Draws noise of its own, as some generators do."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(3)

    def forward(self, latents):
        return self.norm(latents) + torch.randn(len(latents), 1)


def test_generate_leaves_modes_buffers_gradients_and_random_state():
    latents = torch.randn(7, 3, generator=seeded())
    for network in (MLPGenerator((1, 4, 4), 3, 8, 2), Noisy().train()):
        with unchanged(network, latents), undrawn():
            made = generate(network, latents, batch_size=3)
        assert not made.requires_grad and len(made) == 7


def test_generate_is_the_network_in_eval_mode():
    network = DCGANGenerator(8, 1, 5, 4).train()
    latents = torch.randn(5, 5, generator=seeded())
    made = generate(network, latents.double(), batch_size=2)
    torch.testing.assert_close(made, network.eval()(latents))
    assert network.train()(latents).sub(made).abs().max() > 1e-3


@pytest.mark.parametrize(
    "given, message",
    [
        ({"generator": torch.relu}, "generator is a builtin.*expected a torch.nn.Module"),
        ({"latents": torch.zeros(3)}, r"latents has shape \(3,\), expected a non-empty"),
        ({"latents": torch.zeros(2, 4)}, r"latents has shape \(2, 4\), expected what the generator takes"),
        ({"batch_size": 0}, "batch_size is 0, expected at least 1"),
    ],
)
def test_generate_refuses_bad_input(given, message):
    with refused(message):
        generate(**{"generator": MLPGenerator((2,), 3, 4, 1), "latents": torch.zeros(2, 3)} | given)
