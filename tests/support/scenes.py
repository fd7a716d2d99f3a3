"""What most tests begin with: a network with images and its labels of them, and draws that repeat."""

import torch
from torch import Tensor, nn

from tests.support.toys import pictures, smooth_cnn


def seeded(seed: int = 0, device: str = "cpu") -> torch.Generator:
    return torch.Generator(device).manual_seed(seed)


def draw(*shape: int, seed: int = 0) -> Tensor:
    """Normal numbers."""
    return torch.randn(*shape, generator=seeded(seed), dtype=torch.float64)


def scene(
    n: int = 6, *, channels: int = 2, dtype: torch.dtype = torch.float64, device: str = "cpu", **size: int
) -> tuple[nn.Module, Tensor, Tensor]:
    """A network in eval mode, ``n`` images, and the classes that it takes them for."""
    model = smooth_cnn(channels, dtype=dtype).to(device)
    images = pictures(n, channels, dtype=dtype, **size).to(device)
    return model, images, model(images).argmax(1)
