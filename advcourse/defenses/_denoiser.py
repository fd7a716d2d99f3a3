"""A denoising autoencoder: the defense that is learned."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from advcourse.core.balls import clip
from advcourse.core.validation import check_above, check_count, check_images


class DenoisingAutoencoder(nn.Module):
    """Each image replaced by what a network, trained to undo noise, makes of it.

    An encoder h halves the sides and a decoder g, which sees the finer features too, doubles them::

        z = clip(x + g(h(x)))

    It is trained by ``denoising_loss``, and never sees an attacked image. Differentiable: an attack goes through it.

    Args:
        channels: of the images.
        width: features at full size, twice as many at half.

    Source: Vincent et al. 2008, "Extracting and composing robust features with denoising autoencoders"; in front of a
    classifier: Gu & Rigazio 2014, arXiv:1412.5068; Meng & Chen 2017, arXiv:1705.09064 (the reformer).
    """

    def __init__(self, channels: int = 3, width: int = 32):
        super().__init__()
        check_count(channels=channels, width=width)
        self.fine = nn.Conv2d(channels, width, 3, padding=1)
        self.coarse = nn.Sequential(
            nn.Conv2d(width, 2 * width, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(2 * width, 2 * width, 3, padding=1),
            nn.ReLU(),
        )
        self.up = nn.Conv2d(2 * width, width, 3, padding=1)
        self.out = nn.Conv2d(width, channels, 3, padding=1)

    def forward(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        check_images(images)
        if images.shape[1] != self.fine.in_channels:
            raise ValueError(f"images has {images.shape[1]} channels, expected {self.fine.in_channels}")
        x = images.to(self.fine.weight.dtype)
        fine = self.fine(x).relu()
        back = F.interpolate(self.coarse(fine), size=images.shape[2:], mode="nearest")
        return clip(x + self.out((self.up(back) + fine).relu())).to(images.dtype)


def denoising_loss(model: nn.Module, images: Tensor, labels: Tensor, *, sigma: float) -> Tensor:
    """Mean squared error of what a model makes of noisy images, for ``training.fit``; the labels are not used.

    With ξ ∼ N(0, I) drawn from torch's global generators, and a mean over images and pixels::

        𝔼 ‖m(clip(x + σ ξ)) - x‖² / d

    Args:
        model: m, images to images.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: ``(N,)``.
        sigma: σ, of the noise, in pixel units of [0, 1].

    Raises:
        ValueError: for a σ that is not positive.

    Source: Vincent et al. 2008, "Extracting and composing robust features with denoising autoencoders", with Gaussian
    noise.
    """
    check_above(0, sigma=sigma)
    return F.mse_loss(model(clip(images + sigma * torch.randn_like(images))), images)
