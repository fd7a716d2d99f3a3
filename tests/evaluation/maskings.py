"""Models that hide their gradient, each in one way, around a network that does not."""

import torch
from torch import Tensor, nn

from tests.support.toys import Shifted


class Around(nn.Module):
    """Another network behind something done to its images, and before something done to its logits."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def before(self, x: Tensor) -> Tensor:
        return x

    def after(self, logits: Tensor) -> Tensor:
        return logits

    def forward(self, x: Tensor) -> Tensor:
        return self.after(self.network(self.before(x)))


class NoGraph(Around):
    def forward(self, x):
        with torch.no_grad():
            return self.network(x)


class Rounded(Around):
    def before(self, x):
        return (16 * x).round() / 16


class Thresholds(Around):
    """A thermometer code: how many of the levels a pixel exceeds."""

    def before(self, x):
        return sum((x > level).to(x.dtype) for level in (0.1, 0.3, 0.5, 0.7, 0.9)) / 5 + 0 * x


class Softmax(Around):
    def after(self, logits):
        return logits.softmax(1)


class Clamped(Around):
    def after(self, logits):
        return logits.sub(logits.mean(1, keepdim=True)).clamp(-0.01, 0.01)


class Rough(Around):
    """The image on fine stairs that rise where their slope says they fall."""

    def before(self, x):
        return x - 0.004 * torch.sin(x / 0.0005)


class Noisy(Around):
    def __init__(self, network):
        super().__init__(network)
        self.generator = torch.Generator().manual_seed(0)

    def before(self, x):
        return x + 0.05 * torch.randn(x.shape, generator=self.generator, dtype=x.dtype)


class NotANumber(Around):
    """A square root whose slope at zero is infinite, times zero."""

    def before(self, x):
        return x + 0 * (x - x.detach()).abs().sqrt()


class Reversed(torch.autograd.Function):
    @staticmethod
    def forward(context, x):
        return x.clone()

    @staticmethod
    def backward(context, gradient):
        return -gradient


class WrongBackward(Around):
    def before(self, x):
        return Reversed.apply(x)


class Shuffled(torch.autograd.Function):
    @staticmethod
    def forward(context, x):
        return x.clone()

    @staticmethod
    def backward(context, gradient):
        return gradient.flip(3).roll(1, 2)


class ShuffledBackward(Around):
    def before(self, x):
        return Shuffled.apply(x)


def saturated(network: nn.Module) -> nn.Module:
    """Logits a thousand times as far apart."""
    return Shifted(network, scale=1000.0)


MASKINGS = {
    "no graph": (NoGraph, "no graph"),
    "rounded pixels": (Rounded, "vanishing gradient"),
    "thresholds": (Thresholds, "vanishing gradient"),
    "clamped logits": (Clamped, "vanishing gradient"),
    "not a number": (NotANumber, "vanishing gradient"),
    "saturated logits": (saturated, "saturated logits"),
    "softmax": (Softmax, "probabilities"),
    "rough stairs": (Rough, "misleading gradient"),
    "reversed backward": (WrongBackward, "misleading gradient"),
    "shuffled backward": (ShuffledBackward, "misleading gradient"),
    "noise": (Noisy, "randomness"),
}
"""By name: how to put it around a network, and the check that must see it."""
