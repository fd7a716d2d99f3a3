"""What most tests begin with: a network with images and its labels of them, and draws that repeat."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.support.toys import pictures, smooth_cnn


def seeded(seed: int = 0, device: str = "cpu") -> torch.Generator:
    return torch.Generator(device).manual_seed(seed)


def normal(*shape: int, seed: int = 0) -> Tensor:
    """Normal numbers."""
    return torch.randn(*shape, generator=seeded(seed), dtype=torch.float64)


def scene(
    n: int = 6, *, channels: int = 2, dtype: torch.dtype = torch.float64, device: str = "cpu", **size: int
) -> tuple[nn.Module, Tensor, Tensor]:
    """A network in eval mode, ``n`` images, and the classes that it takes them for."""
    model = smooth_cnn(channels, dtype=dtype).to(device)
    images = pictures(n, channels, dtype=dtype, **size).to(device)
    return model, images, model(images).argmax(1)


def gradient(function: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """Of the sum of what the function returns: of one value per image, each image's own."""
    x = images.detach().clone().requires_grad_()
    return torch.autograd.grad(function(x).sum(), x)[0]


def loss_gradient(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Of each image's cross-entropy."""
    return gradient(lambda x: F.cross_entropy(model(x), labels, reduction="none"), images)
