"""The compiled critic step against the eager one: losses and gradients agree, the penalty's share included.

What is traced does not depend on what compiles it: most cases stop before C++, which takes a minute each.
"""

import copy

import pytest
import torch
from accelerate import Accelerator
from torch import nn

from advcourse import gan
from advcourse.gan import critic_gradients, lsgan, r3gan, standard_gan, wgan, wgan_gp
from advcourse.networks import DCGANCritic, MLPCritic, MLPGenerator, ResNetCritic
from tests.support.refusals import refused
from tests.support.scenes import seeded

TRACED = "aot_eager"
CRITICS = {
    "layer norm": ((1, 16, 16), lambda: DCGANCritic(16, 1, 4, norm="layer")),
    "gates": ((1, 16, 16), lambda: DCGANCritic(16, 1, 4, norm="none", activation="gated")),
    "ResNet": ((3, 8, 8), lambda: ResNetCritic(8, 3, 4)),
    "points": ((2,), lambda: MLPCritic((2,), 16, 2)),
}


def both(critic: nn.Module, variant, shape, n=6, backend=TRACED):
    """Loss and gradients, eager and compiled."""
    real, fake, share = (torch.rand(n, *size, generator=seeded(i)) for i, size in enumerate((shape, shape, ())))
    critic.zero_grad()
    eager = variant.critic_loss(critic, real, fake, share).mean()
    eager.backward()
    gradients = [each.grad.clone() for each in critic.parameters()]
    critic.zero_grad()
    loss = critic_gradients(critic, variant, None, backend)(real, fake, share)
    return eager.detach(), gradients, loss, [each.grad for each in critic.parameters()]


def assert_agree(eager, gradients, loss, compiled):
    torch.testing.assert_close(loss, eager, rtol=1e-4, atol=1e-5)
    assert not loss.requires_grad
    for one, other in zip(gradients, compiled, strict=True):
        assert (one - other).norm() <= 1e-4 * one.norm() + 1e-7


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "name"),
    [
        *((wgan_gp, name) for name in CRITICS),
        *((make, "points") for make in (r3gan, standard_gan, lsgan, wgan)),
    ],
)
def test_losses_and_gradients_agree(make, name):
    shape, critic = CRITICS[name]
    torch.manual_seed(0)
    assert_agree(*both(critic(), make(), shape))


@pytest.mark.slow
def test_buffers_move_as_they_do_without():
    torch.manual_seed(0)
    one = DCGANCritic(16, 1, 4)
    other, x = copy.deepcopy(one), torch.rand(6, 1, 16, 16, generator=seeded(0))
    standard_gan().critic_loss(one, x, 1 - x)
    critic_gradients(other, standard_gan(), None, TRACED)(x, 1 - x, torch.rand(6))
    for mine, theirs in zip(one.buffers(), other.buffers(), strict=True):
        torch.testing.assert_close(mine, theirs)
    assert one[5].running_mean.any()


@pytest.mark.slow
def test_they_agree_in_compiled_c():
    """And with a huge weight, nearly all of the gradient is the penalty's: without it, it points elsewhere."""
    torch.manual_seed(0)
    critic = MLPCritic((2,), 16, 2)
    found = both(critic, wgan_gp(weight=1e3), (2,), backend="inductor")
    assert_agree(*found)
    without = both(critic, wgan_gp(weight=0), (2,))[3]
    assert (without[0] - found[3][0]).norm() > 0.5 * found[3][0].norm()


@pytest.mark.slow
def test_a_compiled_fit_is_the_eager_one(monkeypatch):
    monkeypatch.setattr(gan._fit, "critic_gradients", lambda *given: critic_gradients(*given, TRACED))
    points, ends = torch.randn(60, 2, generator=seeded(0)), []
    for compiled in (False, True):
        torch.manual_seed(0)
        generator, critic = MLPGenerator((2,), 3, 8, 2), MLPCritic((2,), 8, 2)
        history = gan.fit(
            generator, critic, points, wgan_gp(), epochs=2, batch_size=10, compiled=compiled, progress=False
        )
        ends.append((history[-1]["critic"], *generator.parameters(), *critic.parameters()))
    for one, other in zip(*ends, strict=True):
        torch.testing.assert_close(torch.as_tensor(one), torch.as_tensor(other), rtol=1e-4, atol=1e-5)


def test_in_several_processes_it_is_refused(monkeypatch):
    monkeypatch.setattr(Accelerator, "num_processes", 2)
    with refused("compiled is True in 2 processes, expected one"):
        gan.fit(MLPGenerator((2,), 3, 8, 2), MLPCritic((2,), 8, 2), torch.rand(9, 2), wgan(), epochs=1, compiled=True)
