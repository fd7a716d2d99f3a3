"""Augmentation on the device: every image with a draw of its own."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from advcourse.core.validation import check_images


def random_crop(images: Tensor, padding: int = 4, mirror: bool = True) -> Tensor:
    """Shift each image by up to ``padding`` pixels, black coming in at the edges, and mirror half of them.

    Args:
        images: ``(N, C, H, W)``.
        padding: the largest shift, in pixels, along each axis.
        mirror: whether to flip left and right with probability 1/2.

    Returns:
        ``(N, C, H, W)``, on the same device; the draws come from torch's global generator of that device.

    Source: He et al. 2015, arXiv:1512.03385, section 4.2.
    """
    n, channels, height, width = images.shape
    device = images.device
    top, left = torch.randint(0, 2 * padding + 1, (2, n, 1), device=device)
    flip = torch.rand(n, 1, device=device) < (0.5 if mirror else 0)
    rows = top + torch.arange(height, device=device)
    columns = torch.arange(width, device=device).expand(n, width)
    columns = left + torch.where(flip, width - 1 - columns, columns)
    padded = F.pad(images, (padding,) * 4)
    image = torch.arange(n, device=device).view(n, 1, 1, 1)
    channel = torch.arange(channels, device=device).view(1, channels, 1, 1)
    return padded[image, channel, rows.view(n, 1, height, 1), columns.view(n, 1, 1, width)]


def image_by_image(policy: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """A policy of torchvision, drawn anew for every image of a batch (on a batch it would draw once for all).

    Args:
        policy: maps bytes ``(C, H, W)`` to bytes, as ``torchvision.transforms.v2.AutoAugment`` and ``RandAugment`` do.

    Returns:
        ``(N, C, H, W)`` in [0, 1] to the same, in 256 levels.

    Raises:
        ValueError: in use, for images out of that range.
    """

    def apply(images: Tensor) -> Tensor:
        check_images(images)
        pixels = images.mul(255).round_().to(torch.uint8)
        return torch.stack([policy(one) for one in pixels]).to(images.dtype).div_(255)

    return apply
