"""The gradient penalty against closed forms, and against the errors that others shipped."""

import warnings

import pytest
import torch
from torch import nn

from advcourse.core.streams import Streams
from advcourse.gan import gradient_penalty, lsgan, r3gan, standard_gan, wgan, wgan_gp
from tests.support.refusals import refused
from tests.support.scenes import normal, seeded


class Linear(nn.Module):
    """⟨w, x⟩ over all of an image."""

    def __init__(self, w):
        super().__init__()
        self.w = nn.Parameter(w)

    def forward(self, x):
        return (x * self.w).flatten(1).sum(1)


class Square(nn.Module):
    """a ‖x‖² / 2: the slope at x is a x."""

    def __init__(self, a):
        super().__init__()
        self.a = nn.Parameter(torch.tensor(a, dtype=torch.float64))

    def forward(self, x):
        return self.a * x.flatten(1).square().sum(1) / 2


def pair(n=5, *shape):
    shape = shape or (3, 4, 5)
    return normal(n, *shape), normal(n, *shape, seed=1)


@pytest.mark.parametrize("shape", [(3, 4, 5), (1, 1, 1), (2,), (2, 3)])
@pytest.mark.parametrize("one_sided", [False, True])
def test_of_a_linear_critic_it_is_the_excess_of_the_norm_over_all_entries(shape, one_sided):
    """Over channels, rows and columns together: the norm over channels alone would give another number."""
    real, fake = pair(5, *shape)
    for length in (0.3, 1.0, 2.5):
        w = normal(*shape, seed=2)
        w = length * w / w.norm()
        excess = max(length - 1, 0) if one_sided else length - 1
        found = gradient_penalty(Linear(w), real, fake, one_sided=one_sided)
        torch.testing.assert_close(found, torch.full((5,), excess**2, dtype=torch.float64), rtol=1e-12, atol=1e-12)


def test_there_is_one_share_for_each_image():
    """With a slope that is the point itself, the point can be read off: it lies on the segment."""
    real, fake = torch.zeros(6, 2, 2, 2, dtype=torch.float64), torch.ones(6, 2, 2, 2, dtype=torch.float64)
    share = torch.tensor([0.0, 0.2, 0.4, 0.6, 0.8, 0.99], dtype=torch.float64)
    found = gradient_penalty(Square(1.0), real, fake, generator=share)
    torch.testing.assert_close(found, ((1 - share) * 8**0.5 - 1) ** 2, rtol=1e-12, atol=1e-12)


def test_its_shares_are_uniform_and_one_an_image():
    """Each image's point has all its entries at one place of the segment, and the places are spread over it."""
    count = 4000
    real, fake = torch.zeros(count, 3, 2, 2), torch.ones(count, 3, 2, 2)
    places = []

    class Watch(nn.Module):
        def forward(self, x):
            places.append(x.detach().flatten(1))
            return x.flatten(1).sum(1)

    gradient_penalty(Watch(), real, fake, generator=seeded(0))
    (at,) = places
    assert (at == at[:, :1]).all()
    ranks = at[:, 0].sort().values
    assert (ranks - torch.linspace(0, 1, count)).abs().max() < 1.95 / count**0.5  # Kolmogorov, one in a thousand


def test_it_is_differentiated_through_to_the_weights():
    """d/da (a ‖x‖ - 1)² = 2 (a ‖x‖ - 1) ‖x‖."""
    real, fake = pair()
    critic, share = Square(0.7), torch.linspace(0.1, 0.9, 5, dtype=torch.float64)
    gradient_penalty(critic, real, fake, generator=share).sum().backward()
    norms = (share.view(-1, 1) * real.flatten(1) + (1 - share.view(-1, 1)) * fake.flatten(1)).norm(dim=1)
    torch.testing.assert_close(critic.a.grad, (2 * (0.7 * norms - 1) * norms).sum(), rtol=1e-12, atol=0)


def test_gradients_agree_with_finite_differences():
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Flatten(), nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 1)).double()
    real, fake = pair(4, 6)
    share = torch.linspace(0.2, 0.8, 4, dtype=torch.float64)
    weight = critic[1].weight

    def penalty(w):
        with torch.no_grad():
            kept = weight.clone()
            weight.copy_(w)
        value = gradient_penalty(critic, real, fake, generator=share).sum()
        (gradient,) = torch.autograd.grad(value, weight)
        with torch.no_grad():
            weight.copy_(kept)
        return value.detach(), gradient

    direction, tiny = normal(*weight.shape, seed=7), 1e-6
    gradient = penalty(weight.detach().clone())[1]
    there, back = (penalty(weight.detach() + way * tiny * direction)[0] for way in (1, -1))
    torch.testing.assert_close((gradient * direction).sum(), (there - back) / (2 * tiny), rtol=1e-6, atol=1e-9)


def test_real_and_made_images_may_change_places():
    real, fake = pair()
    share = torch.linspace(0.1, 0.9, 5, dtype=torch.float64)
    one = gradient_penalty(Square(0.7), real, fake, generator=share)
    torch.testing.assert_close(gradient_penalty(Square(0.7), fake, real, generator=1 - share), one, rtol=1e-12, atol=0)


def test_a_slope_of_zero_has_a_finite_gradient():
    critic = Linear(torch.zeros(2, 3, dtype=torch.float64))
    found = gradient_penalty(critic, *pair(4, 2, 3))
    assert torch.equal(found, torch.ones(4, dtype=torch.float64))
    found.sum().backward()
    assert critic.w.grad.isfinite().all()


def test_under_autocast_it_is_in_float32():
    real, fake = (each.float() for each in pair())
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Flatten(), nn.Linear(60, 30), nn.Tanh(), nn.Linear(30, 1))
    share = torch.linspace(0.1, 0.9, 5)
    plain = gradient_penalty(critic, real, fake, generator=share)
    with torch.autocast("cpu", torch.bfloat16):
        under = gradient_penalty(critic, real, fake, generator=share)
        halves = gradient_penalty(critic, real.bfloat16(), fake.bfloat16(), generator=share)
    assert torch.equal(plain, under) and halves.dtype == torch.float32


def test_it_works_where_gradients_are_off():
    with torch.no_grad():
        found = gradient_penalty(Square(1.0), *pair(), generator=torch.full((5,), 0.5, dtype=torch.float64))
    middle = (sum(pair()) / 2).flatten(1)
    torch.testing.assert_close(found, (middle.norm(dim=1) - 1) ** 2, rtol=1e-12, atol=0)


def test_batch_normalisation_is_named_in_a_warning():
    critic = nn.Sequential(nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(12, 1)).double()
    with pytest.warns(UserWarning, match=r"batch normalisation \(1\)"):
        gradient_penalty(critic, *pair())
    critic.eval()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gradient_penalty(critic, *pair())


def test_bad_input_is_refused():
    real, fake = pair()
    with refused("one_sided is 'no', expected True or False"):
        gradient_penalty(Square(1.0), real, fake, one_sided="no")
    with refused("fake has shape .*expected that of real"):
        gradient_penalty(Square(1.0), real, fake[:2])


def test_streams_give_an_image_its_share_wherever_it_stands():
    real, fake = pair()
    whole = gradient_penalty(Square(0.7), real, fake, generator=Streams(3, "x", real))
    part = gradient_penalty(
        Square(0.7), real[1::2], fake[1::2], generator=Streams(3, "x", real[1::2], torch.tensor([1, 3]))
    )
    torch.testing.assert_close(part, whole[1::2], rtol=1e-12, atol=0)


def test_the_losses_put_it_together():
    """Of a linear critic, by hand: WGAN-GP, WGAN and the two penalties of R3GAN."""
    real, fake = pair(5, 2, 3)
    w = normal(2, 3, seed=4)
    critic, norm = Linear(w), w.norm()
    gap = ((fake - real) * w).flatten(1).sum(1)
    torch.testing.assert_close(wgan_gp(weight=7).critic_loss(critic, real, fake), gap + 7 * (norm - 1) ** 2)
    torch.testing.assert_close(wgan().critic_loss(critic, real, fake), gap)
    expected = torch.log1p(gap.exp()) + 0.3 / 2 * 2 * norm**2
    torch.testing.assert_close(r3gan(gamma=0.3).critic_loss(critic, real, fake), expected)


def test_the_variants_come_with_the_settings_of_their_papers():
    """k, optimiser, rate and moments: DCGAN's for the first GAN, the code of WGAN-GP for the others."""
    published = {
        standard_gan: (1, "Adam", 2e-4, (0.5, 0.999)),
        lsgan: (1, "RMSprop", 1e-4, None),
        wgan: (5, "RMSprop", 5e-5, None),
        wgan_gp: (5, "Adam", 1e-4, (0.0, 0.9)),
        r3gan: (1, "Adam", 2e-4, (0.0, 0.9)),
    }
    for make, settings in published.items():
        variant = make()
        for optimizer in (variant.critic_optimizer, variant.generator_optimizer):
            made = optimizer([nn.Parameter(torch.zeros(1))])
            found = made.defaults["lr"], made.defaults.get("betas")
            assert (variant.critic_steps, type(made).__name__, *found) == settings


def test_clipping_clamps_every_parameter():
    critic = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    wgan(clip=0.02).after_critic_step(critic)
    assert all(each.abs().max() <= 0.02 for each in critic.parameters())
    assert critic[1].weight.min().item() == pytest.approx(0.02)
