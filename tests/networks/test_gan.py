"""Generators and critics: shapes, ranges, layers, and what a critic under a penalty must not do."""

import pytest
import torch
from torch import nn

from advcourse.networks import (
    GAN_ARCHITECTURES,
    DCGANCritic,
    DCGANGenerator,
    MLPCritic,
    MLPGenerator,
    ResNetCritic,
    ResNetGenerator,
    gan_networks,
)
from tests.support.refusals import refused
from tests.support.scenes import seeded

SIZES = ((28, 1), (32, 3), (64, 3))


def of(kind, module):
    return [each for each in module.modules() if isinstance(each, kind)]


@pytest.mark.parametrize(("size", "channels"), SIZES)
@pytest.mark.parametrize("architecture", GAN_ARCHITECTURES)
def test_latents_become_images_and_images_one_number(architecture, size, channels):
    torch.manual_seed(0)
    generator, critic = gan_networks(architecture, size, channels, 4)
    images = generator(torch.randn(3, 100, generator=seeded(0)))
    assert generator.latent == 100 and images.shape == (3, channels, size, size)
    assert 0 < images.min() and images.max() < 1 and images.std() > 1e-3
    assert critic(images).shape == (3,)
    critic(images).sum().backward()
    for network in (generator, critic):
        assert all(each.grad is not None and each.grad.isfinite().all() for each in network.parameters())


@pytest.mark.parametrize("architecture", GAN_ARCHITECTURES)
@pytest.mark.parametrize("norm", ["layer", "none"])
def test_a_critic_for_the_penalty_answers_each_image_by_itself(architecture, norm):
    torch.manual_seed(0)
    critic = gan_networks(architecture, 28, 1, 4, norm=norm)[1].double()
    images = torch.rand(5, 1, 28, 28, generator=seeded(0), dtype=torch.float64)
    assert not of(nn.BatchNorm2d, critic)
    torch.testing.assert_close(critic(images)[2:3], critic(images[2:3]), rtol=0, atol=1e-12)


def test_the_seven_differ_as_the_figure_says():
    made = {name: gan_networks(name, 28, 1, 8) for name in GAN_ARCHITECTURES}
    assert len(made) == 7
    generators = {name: pair[0] for name, pair in made.items()}
    assert len(of(nn.BatchNorm2d, generators["DCGAN"])) == 2
    for name in ("G plain, of constant width", "no normalisation", "G of linear layers"):
        assert not of(nn.BatchNorm2d, generators[name])
    assert not of((nn.BatchNorm2d, nn.GroupNorm), made["no normalisation"][1])
    widths = [each.out_channels for each in of(nn.ConvTranspose2d, generators["G plain, of constant width"])]
    assert widths == [8, 8, 1]
    assert [each.out_channels for each in of(nn.ConvTranspose2d, generators["DCGAN"])] == [16, 8, 1]
    assert [each.out_features for each in of(nn.Linear, generators["G of linear layers"])] == [512] * 4 + [784]
    for network in made["tanh"]:
        assert of(nn.Tanh, network) and not of((nn.ReLU, nn.LeakyReLU), network)
    deep = sum(len(of((nn.Conv2d, nn.Linear), network)) for network in made["deep ResNet"])
    assert deep > 80


def test_a_gate_halves_the_channels():
    x = torch.randn(2, 6, 3, 3, generator=seeded(0))
    gate = of(nn.Module, DCGANGenerator(28, 1, 5, 4, activation="gated"))
    gate = next(each for each in gate if type(each).__name__ == "Gate")
    torch.testing.assert_close(gate(x), x[:, :3] * torch.sigmoid(x[:, 3:]))


def test_a_critic_sees_pixels_from_minus_one_to_one():
    """Of grey images, the first convolution of each gets zeros: what it answers does not depend on its weights."""
    for critic in (DCGANCritic(28, 1, 4), MLPCritic((1, 28, 28), 8, 2), ResNetCritic(28, 1, 4)):
        first = of((nn.Conv2d, nn.Linear), critic)[0]
        seen = []
        first.register_forward_pre_hook(lambda module, given, seen=seen: seen.append(given[0]))
        critic(torch.full((2, 1, 28, 28), 0.5))
        critic(torch.ones(2, 1, 28, 28))
        assert not seen[0].any() and (seen[1] == 1).all()


def test_points_have_no_range():
    torch.manual_seed(0)
    generator, critic = MLPGenerator((2,), 3, 16, 2), MLPCritic((2,), 16, 2)
    points = generator(100 * torch.randn(50, 3, generator=seeded(0)))
    assert points.shape == (50, 2) and points.abs().max() > 1 and critic(points).shape == (50,)


def test_residual_blocks_keep_what_they_are_given():
    """With its last convolution at zero a block of equal shapes is the identity."""
    critic = ResNetCritic(8, 1, 4, deeper=1)
    block = critic[3]
    nn.init.zeros_(block.second.weight)
    nn.init.zeros_(block.second.bias)
    x = torch.randn(2, 4, 4, 4, generator=seeded(0))
    assert torch.equal(block(x), x)


@pytest.mark.parametrize("kind", [DCGANGenerator, DCGANCritic, ResNetGenerator, ResNetCritic])
def test_bad_settings_are_refused_by_name(kind):
    for size in (27, 30, 4, 7, 0, -28, 28.0, None):
        with refused("size is .*expected 4 or 7 doubled", size):
            kind(size)
    for name in ("channels", "width"):
        with refused(f"{name} is 0, expected"):
            kind(28, **{name: 0})
    with refused("norm is 'instance', expected one of batch, layer, none"):
        kind(28, norm="instance")


def test_other_bad_settings_are_refused():
    with refused("activation is 'gelu', expected one of"):
        DCGANGenerator(28, activation="gelu")
    with refused("constant is 1, expected True or False"):
        DCGANCritic(28, constant=1)
    with refused("latent is 0, expected"):
        MLPGenerator((2,), 0)
    with refused("depth is 0, expected"):
        MLPCritic((2,), 8, 0)
    with refused("deeper is -1, expected"):
        ResNetGenerator(28, deeper=-1)
    with refused("architecture is 'VAE', expected one of DCGAN"):
        gan_networks("VAE")
