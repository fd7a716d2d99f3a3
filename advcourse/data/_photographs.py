"""Readers of photographs and of cue-conflict images, cropped to one size."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from advcourse.data import _sets
from advcourse.data._whole import Loaded, damaged, listed, reading

if TYPE_CHECKING:
    from PIL.Image import Image

PHOTO_SIZE = 224


def imagenet_classes() -> list[str]:
    """The names of ImageNet's 1000 classes, as torchvision has them."""
    from torchvision.models import MobileNet_V2_Weights

    return list(MobileNet_V2_Weights.IMAGENET1K_V1.meta["categories"])


def opened(file: Path) -> Image:
    """A picture in RGB; ``Damaged`` where it cannot be parsed."""
    import PIL.Image

    with reading(file), PIL.Image.open(file) as image:
        return image.convert("RGB")


def _photograph(file: Path) -> Tensor:
    """One photograph: short side to 256 pixels where it is longer, then the central 224x224."""
    import torchvision.transforms.functional as transforms

    image = opened(file)
    if min(image.size) > 256:
        image = transforms.resize(image, 256)
    return transforms.pil_to_tensor(transforms.center_crop(image, PHOTO_SIZE))


def photos(split: str) -> Loaded:
    """The photographs bundled with scikit-image."""
    import skimage

    folder = Path(skimage.__file__).parent / "data"
    pixels = torch.stack([_photograph(folder / file) for file in _sets.PHOTOS])
    return pixels, torch.tensor(list(_sets.PHOTOS.values())), imagenet_classes()


def imagenet_samples(root: Path, split: str) -> Loaded:
    """The photographs, each labelled by the number that its name begins with."""
    folder = root / "imagenet/photos"
    files = [file for file in listed(folder, ".jpg") if re.match("[0-9]{3}_", file)]
    if len(files) < _sets.SAMPLES:
        raise damaged(folder, f"{len(files)} photographs, a whole set has {_sets.SAMPLES} or more", "is not whole")
    labels = torch.tensor([int(file[:3]) for file in files])
    return torch.stack([_photograph(folder / file) for file in files]), labels, imagenet_classes()


def cue_conflict(root: Path, split: str) -> Loaded:
    """The images named ``SHAPE-TEXTURE``, with both as labels ``(N, 2)``."""
    folder = root / "cue_conflict"
    cues = {file: [cue.rstrip("0123456789") for cue in file[:-4].split("-")] for file in listed(folder, ".jpg")}
    cues = {file: pair for file, pair in cues.items() if len(pair) == 2 and set(pair) <= set(_sets.CUES)}
    for shape in _sets.CUES:
        count = sum(pair[0] == shape for pair in cues.values())
        if count < _sets.EACH_CUE:
            reason = f"{count} images of {shape}, a whole set has {_sets.EACH_CUE} or more of each of 16 shapes"
            raise damaged(folder, reason, "is not whole")
    labels = torch.tensor([[_sets.CUES.index(cue) for cue in pair] for pair in cues.values()])  # shape, texture
    return torch.stack([_photograph(folder / file) for file in cues]), labels, list(_sets.CUES)
