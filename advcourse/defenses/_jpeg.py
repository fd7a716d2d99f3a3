"""JPEG: images written with losses and read again."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from advcourse.core.running import detached
from advcourse.core.validation import check_at_most, check_count, check_images


class JPEG(nn.Module):
    """Each image rounded to bytes, compressed and decompressed by libjpeg, through Pillow.

    Colours are stored at half the height and width (4:2:0). What comes out has no graph, and an attack that asks for
    its gradient is refused: ``wrappers.bpda(JPEG(quality))`` has that of the identity, ``wrappers.bpda(JPEG(quality),
    SoftJPEG(quality))`` that of a compression with smooth rounding.

    Pillow takes one image after another, on the processor. ``torchvision.io`` does the same, and says since 0.29 that
    its codecs will go.

    Args:
        quality: from 1 to 100, as libjpeg counts.

    Source: Dziugaite, Ghahramani & Roy 2016, arXiv:1608.00853; Guo et al. 2018, arXiv:1711.00117, section 4.1.
    """

    def __init__(self, quality: int = 75):
        super().__init__()
        check_quality(quality)
        self.quality = int(quality)

    def forward(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        check_colours(images)
        levels = (255 * detached(images)).round().byte().movedim(1, 3).cpu().numpy()
        decoded = np.stack([self._recoded(image) for image in levels])
        return torch.from_numpy(decoded).movedim(3, 1).to(images.device).to(images.dtype).contiguous() / 255

    def _recoded(self, image: np.ndarray) -> np.ndarray:
        """One image of bytes ``(H, W, 1 or 3)``, there and back."""
        file = BytesIO()
        grey = image.shape[2] == 1
        Image.fromarray(image[:, :, 0] if grey else image).save(
            file, "JPEG", quality=self.quality, subsampling=0 if grey else "4:2:0"
        )
        with Image.open(file) as read:
            return np.asarray(read).reshape(image.shape)


def check_quality(quality: int) -> None:
    """A whole number from 1 to 100."""
    check_count(quality=quality)
    check_at_most(100, quality=quality)


def check_colours(images: Tensor) -> None:
    """Images of the two kinds that JPEG knows, one channel or three."""
    check_images(images)
    if images.shape[1] not in (1, 3):
        raise ValueError(f"images has {images.shape[1]} channels, expected 1 or 3: JPEG stores grey or RGB")
