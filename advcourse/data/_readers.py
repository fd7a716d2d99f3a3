"""One reader for each data set: ``(name, split) -> (pixels, labels, classes)``."""

from __future__ import annotations

import pickle
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from advcourse.data import _sets
from advcourse.data._places import checked, damaged, root_of

Loaded = tuple[Tensor, Tensor, list[str]]

PHOTO_SIZE = 224


def _idx(name: str, split: str) -> Loaded:
    images, labels = (
        torch.frombuffer(bytearray(content), dtype=torch.uint8, offset=start)
        for content, start in zip(checked(name, split), (16, 8), strict=True)
    )
    classes = _sets.DIGITS if name == "mnist" else _sets.FASHION
    return images.view(-1, 1, 28, 28), labels.long(), list(classes)


def _cifar10(name: str, split: str) -> Loaded:
    batches = [pickle.loads(content, encoding="latin1") for content in checked(name, split)]
    pixels = np.concatenate([batch["data"] for batch in batches]).reshape(-1, 3, 32, 32)
    labels = [label for batch in batches for label in batch["labels"]]
    return torch.from_numpy(pixels), torch.tensor(labels), list(_sets.CIFAR10)


def _gtsrb(name: str, split: str) -> Loaded:
    root = root_of(name, split)
    packed = root / "gtsrb32.npz"
    if not packed.is_file():
        return _gtsrb_frames(root, split)
    try:
        with np.load(packed) as arrays:
            pixels, labels = arrays[f"{split}_x"], arrays[f"{split}_y"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise damaged(packed, error) from error
    if len(pixels) != len(labels) or pixels.dtype != np.uint8:
        raise damaged(packed, f"{len(pixels)} {pixels.dtype} images and {len(labels)} labels")
    return torch.from_numpy(pixels).permute(0, 3, 1, 2), torch.from_numpy(labels).long(), list(_sets.GTSRB)


def _gtsrb_frames(root: Path, split: str) -> Loaded:
    import torchvision.datasets
    import torchvision.transforms.functional as transforms

    frames = torchvision.datasets.GTSRB(root, split=split, download=False)
    pixels = [transforms.pil_to_tensor(transforms.resize(image, [32, 32])) for image, _ in frames]
    return torch.stack(pixels), torch.tensor([label for _, label in frames]), list(_sets.GTSRB)


def digits(name: str, split: str) -> Loaded:
    from sklearn.datasets import load_digits

    bundled = load_digits()
    order = torch.randperm(len(bundled.target), generator=torch.Generator().manual_seed(0))
    part = order[:1437] if split == "train" else order[1437:]
    images = torch.from_numpy(bundled.images).float().div(16).unsqueeze(1)
    return images[part], torch.from_numpy(bundled.target).long()[part], list(_sets.DIGITS)


def photos(name: str, split: str) -> Loaded:
    import skimage

    folder = Path(skimage.__file__).parent / "data"
    pixels = torch.stack([_photograph(folder / file) for file in _sets.PHOTOS])
    return pixels, torch.tensor(list(_sets.PHOTOS.values())), imagenet_classes()


def _imagenet_samples(name: str, split: str) -> Loaded:
    files = sorted((root_of(name, split) / "imagenet/photos").glob("[0-9][0-9][0-9]_*.jpg"))
    labels = torch.tensor([int(file.name.split("_")[0]) for file in files])
    return torch.stack([_photograph(file) for file in files]), labels, imagenet_classes()


def _cue_conflict(name: str, split: str) -> Loaded:
    files, pairs = [], []
    for file in sorted((root_of(name, split) / "cue_conflict").glob("*-*.jpg")):
        cues = [cue.rstrip("0123456789") for cue in file.stem.split("-")]
        if set(cues) <= set(_sets.CUES):  # shape, texture
            files.append(file)
            pairs.append([_sets.CUES.index(cue) for cue in cues])
    return torch.stack([_photograph(file) for file in files]), torch.tensor(pairs), list(_sets.CUES)


def imagenet_classes() -> list[str]:
    """The names of ImageNet's 1000 classes, as torchvision has them."""
    from torchvision.models import MobileNet_V2_Weights

    return list(MobileNet_V2_Weights.IMAGENET1K_V1.meta["categories"])


def _photograph(file: Path) -> Tensor:
    """One photograph: short side to 256 pixels where it is longer, then the central 224x224."""
    import torchvision.transforms.functional as transforms
    from PIL import Image

    try:
        with Image.open(file) as opened:
            image = opened.convert("RGB")
    except OSError as error:
        raise damaged(file, error) from error
    if min(image.size) > 256:
        image = transforms.resize(image, 256)
    return transforms.pil_to_tensor(transforms.center_crop(image, PHOTO_SIZE))


READERS: dict[str, Callable[[str, str], Loaded]] = {
    "digits": digits,
    "mnist": _idx,
    "fashion-mnist": _idx,
    "cifar10": _cifar10,
    "gtsrb": _gtsrb,
    "photos": photos,
    "imagenet-samples": _imagenet_samples,
    "cue-conflict": _cue_conflict,
}
NAMES = tuple(READERS)
