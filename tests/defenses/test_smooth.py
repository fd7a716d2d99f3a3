"""Smooth activations: every ReLU is replaced, wherever it is called, and nothing else."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from advcourse.defenses import SMOOTH_ACTIVATIONS, smooth
from advcourse.networks import CifarResNet, SmallCNN
from tests.support.refusals import refused
from tests.support.scenes import normal, seeded


class ManyWays(nn.Module):
    """Each way to call a ReLU, added up, beside what is none."""

    def __init__(self):
        super().__init__()
        self.module = nn.ReLU(inplace=True)

    def forward(self, x):
        ways = [self.module(x.clone()), F.relu(x), torch.relu(x), x.relu(), x.clone().relu_(), F.relu(input=x)]
        return sum(ways) + F.max_pool1d(x, 1) + x.clamp_min(0)


@pytest.mark.parametrize("name", ["silu", "gelu", "elu", "softplus", "smooth_relu"])
def test_every_relu_is_replaced_and_nothing_else(name):
    x = normal(3, 5)
    expected = 6 * SMOOTH_ACTIVATIONS[name](x) + x + x.clamp_min(0)
    torch.testing.assert_close(smooth(ManyWays(), name)(x), expected)
    torch.testing.assert_close(ManyWays()(x), 7 * x.clamp_min(0) + x)  # the mode is over


def test_a_function_of_ones_own():
    torch.testing.assert_close(smooth(nn.Sequential(nn.ReLU()), torch.square)(normal(4)), normal(4).square())


@pytest.mark.parametrize("name", list(SMOOTH_ACTIVATIONS))
def test_each_is_once_differentiable_where_relu_has_its_kink_and_relu_far_from_it(name):
    x = torch.linspace(-1e-4, 1e-4, 21, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(SMOOTH_ACTIVATIONS[name](x).sum(), x)
    assert slope.diff().abs().max() < 1e-3  # ReLU's jumps by one
    far = torch.tensor([-60.0, 1e4], dtype=torch.float64)
    torch.testing.assert_close(
        SMOOTH_ACTIVATIONS[name](far),
        torch.tensor([-1.0 if name == "elu" else 0.0, 1e4]).double(),
        rtol=1e-3,
        atol=1e-9,
    )


def test_formulas_of_the_two_with_a_sharpness():
    x = normal(9)
    torch.testing.assert_close(SMOOTH_ACTIVATIONS["softplus"](x), (10 * x).exp().log1p() / 10)
    above = x[x > 0]
    torch.testing.assert_close(SMOOTH_ACTIVATIONS["smooth_relu"](above), above - (3 * above + 1).log() / 3)


@pytest.mark.parametrize(("network", "shape"), [(CifarResNet(1), (2, 3, 32, 32)), (SmallCNN(), (2, 1, 28, 28))])
def test_the_network_itself_stays_and_the_copy_has_its_weights(network, shape):
    network.eval()
    x = torch.rand(shape, generator=seeded())
    before = network(x)
    copy = smooth(network, "softplus")
    assert (copy(x) - before).abs().max() > 1e-4
    assert torch.equal(network(x), before)
    for name, held in network.state_dict().items():
        assert torch.equal(copy.state_dict()[f"network.{name}"], held)
    copy.network[0].weight.data.zero_() if isinstance(
        network, nn.Sequential
    ) else copy.network.conv1.weight.data.zero_()
    assert torch.equal(network(x), before)


def test_bad_input_is_named():
    with refused("activation is 'tanh'"):
        smooth(SmallCNN(), "tanh")
    with refused("ran no ReLU"):
        smooth(nn.Sequential(nn.Linear(3, 3), nn.Tanh()))(torch.zeros(1, 3))
