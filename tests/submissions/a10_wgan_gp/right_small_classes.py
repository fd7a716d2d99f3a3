"""Dataclasses, and a function of its own for autograd."""

EXPECTED = {}


# %% grade_id: perturbed_penalty
from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """How steep a slope is for steps of length one in the p-norm."""

    p: float

    def of(self, slopes):
        rows = slopes.flatten(1)
        if self.p == 1:
            return rows.abs().max(dim=1).values
        if self.p == math.inf:
            return rows.abs().sum(dim=1)
        squares = (rows * rows).sum(dim=1)
        moving = squares > 0
        return torch.where(moving, torch.where(moving, squares, torch.ones_like(squares)).sqrt(), squares)


def perturbed_penalty(critic, real, noise, p, below, generator):
    epsilon = torch.rand(len(real), generator=generator, dtype=real.dtype)
    x = (real.mT + epsilon * noise.mT).mT if real.dim() == 2 else real + epsilon[:, None, None, None] * noise
    x = x.detach().requires_grad_(True)
    scores = critic(x)
    slopes = torch.autograd.grad([scores], [x], [torch.ones_like(scores)], create_graph=True)[0]
    s = Measure(p).of(slopes)
    weight = torch.where(s >= 1, torch.ones_like(s), torch.full_like(s, below))
    return weight * (s * s - 2 * s + 1)


# %% grade_id: leak
from dataclasses import dataclass


@dataclass
class Shares:
    """The gradients of all scores together and of each image's own."""

    total: torch.Tensor
    own: torch.Tensor

    @property
    def foreign(self):
        return (self.total - self.own).flatten(1).square().sum(1).sqrt()


def leak(critic, points):
    x = points.detach().clone().requires_grad_()
    scores = critic(x)
    (total,) = torch.autograd.grad(scores.sum(), x, retain_graph=True)
    own = [torch.autograd.grad(s, x, retain_graph=True)[0][i] for i, s in enumerate(scores)]
    return Shares(total, torch.stack(own)).foreign


# %% grade_id: critic_loss
from dataclasses import dataclass


@dataclass
class Seen:
    images: torch.Tensor
    critic: object

    def __post_init__(self):
        self.images = self.images.detach().clone().requires_grad_()
        self.scores = self.critic(self.images)

    def steepness(self):
        (slope,) = torch.autograd.grad(self.scores.sum(), self.images, create_graph=True)
        return torch.einsum("n...,n...->n", slope, slope)


def critic_loss(critic, real, fake, gamma):
    true, made = Seen(real, critic), Seen(fake, critic)
    logistic = torch.logaddexp(torch.zeros_like(true.scores), made.scores - true.scores)
    return logistic + gamma / 2 * true.steepness() + gamma / 2 * made.steepness()


# %% grade_id: generator_loss
class Disbelief(torch.autograd.Function):
    """-log σ(t), without overflow."""

    @staticmethod
    def forward(ctx, t):
        ctx.save_for_backward(t)
        return torch.log1p(torch.exp(-t.abs())) + (-t).clamp_min(0)

    @staticmethod
    def backward(ctx, above):
        return -above * torch.sigmoid(-ctx.saved_tensors[0])


def generator_loss(critic, real, fake):
    return Disbelief.apply(critic(fake) - critic(real))


# %% grade_id: contraction
import cmath
from dataclasses import dataclass


@dataclass
class Round:
    """ψ and θ after one round, of what they were."""

    psi: complex
    theta: complex

    def moved(self, gamma, step, alternating):
        psi = self.psi - step * (self.theta / 2 + 2 * gamma * self.psi)
        return Round(psi, self.theta + step / 2 * (psi if alternating else self.psi))


def contraction(gamma, step, alternating):
    first, second = Round(1, 0).moved(gamma, step, alternating), Round(0, 1).moved(gamma, step, alternating)
    half, determinant = (first.psi + second.theta) / 2, first.psi * second.theta - first.theta * second.psi
    root = cmath.sqrt(half * half - determinant)
    return max(abs(half + root), abs(half - root))
