"""The reader of each data set: bundled ones by split, the others by the folder in which they lie and by split."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch

from advcourse.data import _sets
from advcourse.data._photographs import cue_conflict, imagenet_samples, photos
from advcourse.data._signs import gtsrb
from advcourse.data._whole import Loaded, checked


def _idx(root: Path, split: str, *, name: str) -> Loaded:
    images, labels = (
        torch.frombuffer(bytearray(content), dtype=torch.uint8, offset=start)
        for content, start in zip(checked(root, name, split), (16, 8), strict=True)
    )
    classes = _sets.DIGITS if name == "mnist" else _sets.FASHION
    return images.view(-1, 1, 28, 28), labels.long(), list(classes)


def _cifar10(root: Path, split: str) -> Loaded:
    batches = [pickle.loads(content, encoding="latin1") for content in checked(root, "cifar10", split)]
    pixels = np.concatenate([batch["data"] for batch in batches]).reshape(-1, 3, 32, 32)
    labels = [label for batch in batches for label in batch["labels"]]
    return torch.from_numpy(pixels), torch.tensor(labels), list(_sets.CIFAR10)


def digits(split: str) -> Loaded:
    """The digits bundled with scikit-learn, split once and for all."""
    from sklearn.datasets import load_digits

    bundled = load_digits()
    order = torch.randperm(len(bundled.target), generator=torch.Generator().manual_seed(0))
    part = order[:1437] if split == "train" else order[1437:]
    images = torch.from_numpy(bundled.images).float().div(16).unsqueeze(1)
    return images[part], torch.from_numpy(bundled.target).long()[part], list(_sets.DIGITS)


BUNDLED: dict[str, Callable[[str], Loaded]] = {"digits": digits, "photos": photos}
READERS: dict[str, Callable[[Path, str], Loaded]] = {
    "mnist": partial(_idx, name="mnist"),
    "fashion-mnist": partial(_idx, name="fashion-mnist"),
    "cifar10": _cifar10,
    "gtsrb": gtsrb,
    "imagenet-samples": imagenet_samples,
    "cue-conflict": cue_conflict,
}
NAMES = ("digits", "mnist", "fashion-mnist", "cifar10", "gtsrb", "photos", "imagenet-samples", "cue-conflict")
