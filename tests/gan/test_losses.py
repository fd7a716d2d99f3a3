"""The pairs of losses against closed forms: values by hand, the optimal critic, and what vanishes."""

import math

import pytest
import torch
from torch import nn

from advcourse.gan import lsgan, standard_gan, wgan
from tests.support.scenes import normal

P = torch.tensor([0.5, 0.3, 0.2, 0.0], dtype=torch.float64)
Q = torch.tensor([0.1, 0.3, 0.2, 0.4], dtype=torch.float64)


class Table(nn.Module):
    """A critic of four points, with a number for each: the point is its one-hot vector."""

    def __init__(self, values):
        super().__init__()
        self.values = nn.Parameter(torch.as_tensor(values, dtype=torch.float64))

    def forward(self, x):
        return x @ self.values


def expected(variant, critic):
    """The critic's mean loss where real points have the shares P and made ones Q."""
    every = torch.eye(4, dtype=torch.float64)
    rows, columns = torch.meshgrid(torch.arange(4), torch.arange(4), indexing="ij")
    losses = variant.critic_loss(critic, every[rows.flatten()], every[columns.flatten()], None)
    return (losses * (P[:, None] * Q).flatten()).sum()


def solved(variant):
    critic = Table(torch.zeros(4))
    exact = {"tolerance_grad": 1e-12, "tolerance_change": 1e-16}
    optimizer = torch.optim.LBFGS(critic.parameters(), max_iter=200, line_search_fn="strong_wolfe", **exact)

    def closure():
        optimizer.zero_grad()
        loss = expected(variant, critic)
        loss.backward()
        return loss

    optimizer.step(closure)
    return critic.values.detach(), expected(variant, critic).item()


def test_the_best_critic_of_the_first_gan_is_p_over_p_plus_q():
    """And its value is log 4 - 2 JS(P ‖ Q)."""
    values, loss = solved(standard_gan())
    both = Q > 0
    torch.testing.assert_close(values.sigmoid()[both], (P / (P + Q))[both], rtol=0, atol=1e-4)
    middle = (P + Q) / 2
    divergence = sum((each * (each / middle).log()).nan_to_num().sum() / 2 for each in (P, Q)).item()
    assert loss == pytest.approx(math.log(4) - 2 * divergence, abs=1e-4)
    assert expected(standard_gan(), Table(torch.zeros(4))).item() == pytest.approx(math.log(4))


def test_the_best_critic_of_lsgan_is_p_over_p_plus_q_too():
    """It regresses 1 and 0: ½ (D - 1)² p + ½ D² q is least at p / (p + q)."""
    values, loss = solved(lsgan())
    torch.testing.assert_close(values, P / (P + Q), rtol=0, atol=1e-6)
    assert loss == pytest.approx((P * Q / (P + Q)).sum().item() / 2, abs=1e-9)


def test_values_by_hand():
    critic = Table([0.7, -1.2, 0.0, 2.0])
    real, fake = torch.eye(4, dtype=torch.float64)[[0, 1]], torch.eye(4, dtype=torch.float64)[[2, 3]]

    def logistic(value):
        return 1 / (1 + math.exp(-value))

    hand = {
        "critic": [-math.log(logistic(0.7)) - math.log(0.5), -math.log(logistic(-1.2)) - math.log(1 - logistic(2.0))],
        "saturating": [math.log(0.5), math.log(1 - logistic(2.0))],
        "not": [-math.log(0.5), -math.log(logistic(2.0))],
        "lsgan critic": [0.5 * 0.3**2, 0.5 * 2.2**2 + 0.5 * 2.0**2],
        "lsgan": [0.5, 0.5],
        "wgan critic": [-0.7, 3.2],
        "wgan": [0.0, -2.0],
    }
    found = {
        "critic": standard_gan().critic_loss(critic, real, fake),
        "saturating": standard_gan(saturating=True).generator_loss(critic, real, fake),
        "not": standard_gan().generator_loss(critic, real, fake),
        "lsgan critic": lsgan().critic_loss(critic, real, fake),
        "lsgan": lsgan().generator_loss(critic, real, fake),
        "wgan critic": wgan().critic_loss(critic, real, fake),
        "wgan": wgan().generator_loss(critic, real, fake),
    }
    for name, values in hand.items():
        torch.testing.assert_close(found[name].detach(), torch.tensor(values, dtype=torch.float64), msg=name)


def test_the_saturating_loss_is_flat_where_the_critic_is_sure():
    """At the logit -20 its slope is σ(-20), that of the other loss nearly one; neither is NaN at ±1000."""
    fake = normal(3, 1).requires_grad_()
    for logit in (-20.0, -1000.0, 1000.0):

        def critic(x, logit=logit):
            return x[:, 0] + logit - x[:, 0].detach()

        for saturating in (True, False):
            loss = standard_gan(saturating=saturating).generator_loss(critic, fake, fake)
            (slope,) = torch.autograd.grad(loss.sum(), fake)
            assert loss.isfinite().all()
            sure = 1 / (1 + math.exp(min(-logit, 700)))
            wanted = -sure if saturating else -(1 - sure)
            torch.testing.assert_close(slope, torch.full_like(slope, wanted), rtol=1e-6, atol=1e-12)
