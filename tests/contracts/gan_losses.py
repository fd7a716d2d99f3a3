"""What every GAN variant promises to the one trainer: a pair of losses over a generator and a critic."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from advcourse.gan import Variant
from tests.contracts.contract import DEVICES, DTYPES, only, over
from tests.support.refusals import refused
from tests.support.scenes import normal, seeded
from tests.support.toys import pictures
from tests.support.traces import unchanged, undrawn


@dataclass(frozen=True)
class Case:
    """A variant with its settings.

    Attributes:
        name: of the test.
        variant: what is tested.
        random: its critic's loss draws.
        make: takes the settings that ``bad`` names.
        bad: by argument, values that ``make`` must refuse by its name.
    """

    name: str
    variant: Variant
    random: bool = False
    make: Callable[..., Variant] | None = None
    bad: dict[str, tuple] = field(default_factory=dict)


drawing = only(lambda case: case.random)


class Game:
    """A generator, a critic (one number for each image), real images, and those that are made."""

    def __init__(self, device: str = "cpu", dtype: torch.dtype = torch.float64, channels: int = 2, steep: float = 1):
        with torch.random.fork_rng([]):
            torch.manual_seed(0)
            entries = channels * 12
            self.generator = nn.Sequential(
                nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, entries), nn.Sigmoid(), nn.Unflatten(1, (channels, 3, 4))
            ).to(device, dtype)
            self.critic = nn.Sequential(
                nn.Flatten(), nn.Linear(entries, 16), nn.Tanh(), nn.Linear(16, 1), nn.Flatten(0)
            ).to(device, dtype)
            with torch.no_grad():
                self.critic[1].weight *= steep
        self.real = pictures(8, channels, 3, 4, dtype).to(device)
        self.fake = self.generator(normal(8, 3).to(device, dtype))

    def losses(self, case: Case, seed: int = 0) -> tuple[Tensor, Tensor]:
        """The critic's, and the generator's."""
        draws = seeded(seed, self.real.device.type)
        return (
            case.variant.critic_loss(self.critic, self.real, self.fake, draws),
            case.variant.generator_loss(self.critic, self.real, self.fake),
        )

    def gap(self) -> Tensor:
        """By how much the critic holds the images for more real than those that are made."""
        made = self.generator(normal(8, 3).to(self.real))
        return (self.critic(self.real).mean() - self.critic(made).mean()).detach()


def step(network: nn.Module, loss: Tensor) -> None:
    gradients = torch.autograd.grad(loss.mean(), list(network.parameters()), allow_unused=True, materialize_grads=True)
    with torch.no_grad():
        for parameter, gradient in zip(network.parameters(), gradients, strict=True):
            parameter -= 1e-3 * gradient


@over(device=DEVICES, dtype=DTYPES, channels=(1, 3))
def check_losses_are_one_finite_number_an_image(case: Case, device: str, dtype: torch.dtype, channels: int) -> None:
    game = Game(device, dtype, channels)
    for loss in game.losses(case):
        assert loss.shape == (8,) and loss.dtype == dtype and loss.device == game.real.device
        assert loss.isfinite().all() and loss.requires_grad


def check_a_column_of_scores_is_as_good(case: Case) -> None:
    game, column = Game(), Game()
    column.critic[-1] = nn.Identity()
    for one, other in zip(game.losses(case), column.losses(case), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def check_the_critics_loss_reaches_the_critic_alone(case: Case) -> None:
    """All its weights; the last bias cancels where a loss takes the difference of two answers."""
    game = Game()
    game.losses(case)[0].sum().backward()
    weights = [layer.weight for layer in game.critic if isinstance(layer, nn.Linear)]
    assert all(weight.grad is not None and weight.grad.any() for weight in weights)
    assert all(parameter.grad is None for parameter in game.generator.parameters())


def check_the_generators_loss_reaches_every_image_that_is_made(case: Case) -> None:
    game = Game()
    (gradient,) = torch.autograd.grad(game.losses(case)[1].sum(), game.fake, allow_unused=True)
    assert gradient is not None and gradient.flatten(1).any(1).all()


def check_nothing_else_has_changed(case: Case) -> None:
    game = Game()
    next(game.critic.parameters()).grad = torch.ones_like(next(game.critic.parameters()))
    with unchanged(game.critic.eval(), game.real, game.fake), undrawn():
        game.losses(case)
    assert not game.real.requires_grad


def check_a_step_of_the_critic_widens_the_gap(case: Case) -> None:
    game = Game()
    before = game.gap()
    step(game.critic, game.losses(case)[0])
    assert game.gap() > before


def check_a_step_of_the_generator_narrows_the_gap(case: Case) -> None:
    game = Game()
    before = game.gap()
    step(game.generator, game.losses(case)[1])
    assert game.gap() < before


def check_an_images_loss_is_its_own(case: Case) -> None:
    """What a pair gives in the batch, it gives alone, with the same draw; its partner is the one beside it."""
    game, share = Game(), torch.linspace(0.1, 0.9, 8, dtype=torch.float64)
    variant, fake = case.variant, game.fake.detach()
    whole = (
        variant.critic_loss(game.critic, game.real, fake, share),
        variant.generator_loss(game.critic, game.real, fake),
    )
    for i in range(8):
        pair = game.critic, game.real[[i]], fake[[i]]
        alone = variant.critic_loss(*pair, share[[i]]), variant.generator_loss(*pair)
        for one, other in zip(alone, whole, strict=True):
            torch.testing.assert_close(one[0], other[i], rtol=1e-9, atol=1e-12)


@drawing
def check_the_generator_of_draws_decides(case: Case) -> None:
    game = Game(steep=6)  # slopes above one, which a one-sided penalty sees
    one, again, other = (game.losses(case, seed)[0] for seed in (1, 1, 2))
    assert torch.equal(one, again) and not torch.equal(one, other)
    torch.manual_seed(5)
    first = case.variant.critic_loss(game.critic, game.real, game.fake)
    torch.manual_seed(5)
    assert torch.equal(first, case.variant.critic_loss(game.critic, game.real, game.fake))


def check_shapes_that_differ_are_refused(case: Case) -> None:
    game = Game()
    for fake in (game.fake[:-1], game.fake[:, :1]):
        with refused("fake has shape .*expected that of real"):
            case.variant.critic_loss(game.critic, game.real, fake, None)
    with refused("critic returned shape .*expected .8,.: one number per image"):
        case.variant.critic_loss(game.critic[:-2], game.real, game.fake, None)
    with refused("critic returned shape .*expected .8,.: one number per image"):
        case.variant.generator_loss(game.critic[:-2], game.real, game.fake)


@only(lambda case: case.variant.after_critic_step is not None)
def check_after_a_step_of_the_critic_it_has_moved(case: Case) -> None:
    game = Game()
    before = [each.clone() for each in game.critic.parameters()]
    given = list(game.critic.parameters())
    case.variant.after_critic_step(game.critic)
    assert all(one is other for one, other in zip(given, game.critic.parameters(), strict=True))
    assert any(not torch.equal(one, other) for one, other in zip(before, game.critic.parameters(), strict=True))


def check_its_optimizers_are_ready(case: Case) -> None:
    game, variant = Game(), case.variant
    assert variant.critic_steps >= 1 and variant.name
    for make, network in ((variant.critic_optimizer, game.critic), (variant.generator_optimizer, game.generator)):
        assert isinstance(make(network.parameters()), torch.optim.Optimizer)


@only(lambda case: bool(case.bad))
def check_bad_parameters_are_refused_by_name(case: Case) -> None:
    for name, values in case.bad.items():
        for value in values:
            with refused(f"{name}.*expected", f"{name}={value}"):
                case.make(**{name: value})
