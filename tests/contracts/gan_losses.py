"""What every GAN variant promises to the one trainer: a pair of losses over a generator and a critic."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tests.contracts.contract import DEVICES, DTYPES, over
from tests.support.scenes import normal
from tests.support.toys import pictures
from tests.support.traces import unchanged

Loss = Callable[[nn.Module, nn.Module, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Case:
    """A variant with its settings; what it draws comes from torch's global generators.

    Attributes:
        name: of the test.
        critic_loss: ``(generator, critic, images, latents)``, which a step of the critic lowers: a mean over the
            images, a scalar, or one value for each, ``(N,)``.
        generator_loss: which a step of the generator lowers.
        random: draws.
    """

    name: str
    critic_loss: Loss
    generator_loss: Loss
    random: bool = False

    def losses(self, *given: nn.Module | Tensor) -> tuple[Tensor, Tensor]:
        return self.critic_loss(*given), self.generator_loss(*given)


def networks(device: str = "cpu", dtype: torch.dtype = torch.float64) -> tuple[nn.Module, nn.Module, Tensor, Tensor]:
    """A generator, a critic (one number for each image, ``(N,)``), images and latents."""
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        generator = nn.Sequential(
            nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 24), nn.Sigmoid(), nn.Unflatten(1, (2, 3, 4))
        )
        critic = nn.Sequential(nn.Flatten(), nn.Linear(24, 16), nn.Tanh(), nn.Linear(16, 1), nn.Flatten(0))
    images, latents = pictures(8, 2, 3, 4, dtype), normal(8, 3).to(dtype)
    return generator.to(device, dtype), critic.to(device, dtype), images.to(device), latents.to(device)


def gap(generator: nn.Module, critic: nn.Module, images: Tensor, latents: Tensor) -> Tensor:
    """By how much the critic holds the images for more real than those that are made."""
    return (critic(images).mean() - critic(generator(latents)).mean()).detach()


def step(network: nn.Module, loss: Tensor) -> None:
    gradients = torch.autograd.grad(loss.sum(), list(network.parameters()), allow_unused=True, materialize_grads=True)
    with torch.no_grad():
        for parameter, gradient in zip(network.parameters(), gradients, strict=True):
            parameter -= 1e-3 * gradient


@over(device=DEVICES, dtype=DTYPES)
def check_losses_are_finite_numbers(case: Case, device: str, dtype: torch.dtype) -> None:
    given = networks(device, dtype)
    for loss in case.losses(*given):
        assert loss.shape in ((), (8,)) and loss.dtype == dtype and loss.device == given[2].device
        assert loss.isfinite().all() and loss.requires_grad


def check_the_critics_loss_reaches_the_critic_alone(case: Case) -> None:
    """All its weights; the last bias cancels where a loss takes the difference of two answers."""
    generator, critic, images, latents = networks()
    case.critic_loss(generator, critic, images, latents).sum().backward()
    weights = [layer.weight for layer in critic if isinstance(layer, nn.Linear)]
    assert all(weight.grad is not None and weight.grad.any() for weight in weights)
    assert all(parameter.grad is None for parameter in generator.parameters())


def check_the_generators_loss_reaches_all_of_the_generator(case: Case) -> None:
    """Through the critic, which the trainer leaves as it is: it steps along the generator's gradient alone."""
    generator, critic, images, latents = networks()
    loss = case.generator_loss(generator, critic, images, latents).sum()
    gradients = torch.autograd.grad(loss, list(generator.parameters()), allow_unused=True)
    assert all(gradient is not None and gradient.any() for gradient in gradients)


def check_nothing_else_has_changed(case: Case) -> None:
    generator, critic, images, latents = networks()
    for network in (generator, critic):
        next(network.parameters()).grad = torch.ones_like(next(network.parameters()))
    with unchanged(generator.eval(), images, latents), unchanged(critic):
        case.losses(generator, critic, images, latents)


def check_a_step_of_the_critic_widens_the_gap(case: Case) -> None:
    given = networks()
    before = gap(*given)
    torch.manual_seed(0)
    step(given[1], case.critic_loss(*given))
    assert gap(*given) > before


def check_a_step_of_the_generator_narrows_the_gap(case: Case) -> None:
    given = networks()
    before = gap(*given)
    torch.manual_seed(0)
    step(given[0], case.generator_loss(*given))
    assert gap(*given) < before


def check_losses_are_means_over_the_images(case: Case) -> None:
    generator, critic, images, latents = networks()
    torch.manual_seed(0)
    once = case.losses(generator, critic, images, latents)
    torch.manual_seed(0)
    twice = case.losses(generator, critic, images.repeat(2, 1, 1, 1), latents.repeat(2, 1))
    for one, two in zip(once, twice, strict=True):
        assert abs(two.mean() - one.mean()) <= (0.4 * abs(one.mean()) if case.random else 1e-6)


def check_the_global_seed_decides(case: Case) -> None:
    given, found = networks(), []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        found.append(torch.cat([loss.flatten() for loss in case.losses(*given)]))
    assert torch.equal(found[0], found[1]) and torch.equal(found[0], found[2]) != case.random
