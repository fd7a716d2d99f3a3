"""Small models with known answers."""

import torch
from torch import Tensor, nn


class Affine(nn.Module):
    """Logits ``W x + b`` of the flattened image."""

    def __init__(self, weight: Tensor, bias: Tensor | None = None):
        super().__init__()
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(torch.zeros(len(weight), dtype=weight.dtype) if bias is None else bias)

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1) @ self.weight.T + self.bias


class Shifted(nn.Module):
    """Another model's logits, scaled and shifted."""

    def __init__(self, model: nn.Module, scale: float = 1.0, shift: float = 0.0):
        super().__init__()
        self.model, self.scale, self.shift = model, scale, shift

    def forward(self, x: Tensor) -> Tensor:
        return self.scale * self.model(x) + self.shift


class Constant(nn.Module):
    """The same logits for every image: their gradient is zero."""

    def __init__(self, classes: int = 3):
        super().__init__()
        self.logits = nn.Parameter(torch.arange(classes, 0, -1).double())

    def forward(self, x: Tensor) -> Tensor:
        return self.logits.to(x.dtype) + 0 * x.flatten(1).sum(1, keepdim=True)


class Breaks(nn.Module):
    """Two classes, the second one always; NaN for images that are darker than ``level``."""

    def __init__(self, level: float):
        super().__init__()
        self.level = level

    def forward(self, x: Tensor) -> Tensor:
        mean = x.mean((1, 2, 3))
        logits = torch.stack([-mean, 2 + mean], 1)  # a NaN in the first counts as the largest
        return logits.masked_fill((mean < self.level)[:, None], torch.nan)


class Ripples(nn.Module):
    """Two classes whose margin ripples along the mean of the image, so that steps overshoot."""

    def forward(self, x: Tensor) -> Tensor:
        mean = x.mean((1, 2, 3))
        return torch.stack([1.5 + torch.sin(60 * mean) + mean, torch.zeros_like(mean)], 1)


def smooth_cnn(channels: int = 2, classes: int = 4, dtype: torch.dtype = torch.float64) -> nn.Module:
    """A random network with BatchNorm and dropout, smooth so that rounding does not flip gradients' signs."""
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        network = nn.Sequential(
            nn.Conv2d(channels, 8, 3, padding=1),
            nn.BatchNorm2d(8),
            nn.Tanh(),
            nn.Conv2d(8, 8, 3, stride=2, padding=1),
            nn.BatchNorm2d(8),
            nn.Tanh(),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            nn.Dropout(0.25),
            nn.Linear(32, classes),
        ).to(dtype)
        network[-1].weight.data.mul_(15)
        for module in network:
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 1.5)
    return network.eval()


def pictures(
    n: int = 6, channels: int = 2, height: int = 8, width: int = 6, dtype: torch.dtype = torch.float64
) -> Tensor:
    """Random images that touch both ends of the box, not square."""
    draw = torch.rand(n, channels, height, width, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return (1.4 * draw - 0.2).clamp(0, 1).to(dtype)
