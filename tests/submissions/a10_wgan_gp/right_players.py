"""Players, an average and layers as small classes; shapes are noted by hooks; bounds are a named tuple."""

EXPECTED = {}


# %% grade_id: train
from dataclasses import dataclass


@dataclass
class Player:
    network: nn.Module
    optimiser: torch.optim.Optimizer
    loss: object

    @classmethod
    def of(cls, network, rate, loss):
        network.zero_grad()
        return cls(network, torch.optim.Adam(network.parameters(), lr=rate, betas=(0.0, 0.9), foreach=False), loss)

    def step(self, critic, real, fake):
        self.loss(critic, real, fake).mean().backward()
        self.optimiser.step()


@dataclass
class Average:
    network: nn.Module
    decay: float

    @torch.no_grad()
    def follow(self, other):
        for a, w in zip(self.network.parameters(), other.parameters(), strict=True):
            a.copy_(self.decay * a + (1 - self.decay) * w)


def train(generator, critic, batches, losses, rounds, critic_steps, latent, rates, decay, chance, after=None):
    average = Average(copy.deepcopy(generator), decay)
    judge, maker = Player.of(critic, rates[0], losses[0]), Player.of(generator, rates[1], losses[1])

    def turn(player):
        real = next(batches)
        z = torch.randn(len(real), latent, generator=chance, dtype=real.dtype)
        fake = generator(z)
        player.step(critic, real, fake if player is maker else fake.detach())
        generator.zero_grad(), critic.zero_grad()

    for _ in range(rounds):
        for _ in range(critic_steps):
            turn(judge)
            if after:
                after(critic)
        turn(maker)
        average.follow(generator)
    average.network.load_state_dict(dict(generator.named_buffers()), strict=False)
    return average.network


# %% grade_id: spectral_norm
from dataclasses import dataclass


@dataclass
class Linear:
    """The linear part of a layer, and its transpose."""

    layer: nn.Module

    def forth(self, v):
        with torch.no_grad():
            y = self.layer(v)
            if self.layer.bias is not None:
                y = y - self.layer.bias.view(-1, *[1] * (y.dim() - 2))
            return y

    def back(self, u, v):
        with torch.enable_grad():
            x = v.detach().clone().requires_grad_()
            return torch.autograd.grad(self.layer(x), x, u)[0]


def spectral_norm(layer, start, steps):
    a, v = Linear(layer), start.detach()
    for _ in range(steps):
        v = a.back(a.forth(v), v)
        if not v.norm() > 0:
            return 0.0
        v = v / v.norm()
    return float(a.forth(v).norm() / v.norm())


# %% grade_id: project
from dataclasses import dataclass, field


@dataclass
class Visit:
    """Which shapes go into the layers with weights."""

    shapes: dict = field(default_factory=dict)

    def note(self, layer, given):
        self.shapes[layer] = given[0].shape


def project_(critic, shape, bound, steps, generator):
    visit = Visit()
    layers = [layer for layer in critic if isinstance(layer, (nn.Linear, nn.Conv2d))]
    handles = [layer.register_forward_pre_hook(visit.note) for layer in layers]
    with torch.no_grad():
        critic(torch.zeros(1, *shape, dtype=layers[0].weight.dtype))
        for handle in handles:
            handle.remove()
        for layer, size in visit.shapes.items():
            norm = float(spectral_norm(layer, torch.randn(size, generator=generator, dtype=layer.weight.dtype), steps))
            layer.weight *= min(1.0, bound / norm) if norm else 1.0


# %% grade_id: lipschitz
from typing import NamedTuple


class Bounds(NamedTuple):
    lower: float
    upper: float


def lipschitz(critic, points, steps, generator):
    bounds = Bounds(0.0, 1.0)
    for point in points:
        x = point[None].detach().clone().requires_grad_()
        (slope,) = torch.autograd.grad(critic(x), x, torch.ones(1, dtype=x.dtype))
        bounds = bounds._replace(lower=max(bounds.lower, slope.norm().item()))
    x = torch.zeros_like(points[:1])
    for layer in critic:
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            norm = float(spectral_norm(layer, torch.randn(x.shape, generator=generator, dtype=x.dtype), steps))
            bounds = bounds._replace(upper=bounds.upper * norm)
        x = layer(x).detach()
    return bounds
