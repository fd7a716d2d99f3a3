"""Reader of the traffic signs: packed in one file, or in frames as torchvision unpacks them."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from advcourse.data import _sets
from advcourse.data._photographs import opened
from advcourse.data._whole import Loaded, damaged, listed, reading

CLASSES = range(len(_sets.GTSRB))


def gtsrb(root: Path, split: str) -> Loaded:
    """The traffic signs, from the packed file where there is one, else from the frames."""
    packed = root / "gtsrb32.npz"
    if os.path.exists(packed):
        pixels, labels = _packed(packed, split)
    else:
        frames = _training_frames(root) if split == "train" else _test_frames(root)
        pixels, labels = torch.stack([_shrunk(file) for file, _ in frames]), torch.tensor([of for _, of in frames])
    return pixels, labels, list(_sets.GTSRB)


def _packed(file: Path, split: str) -> tuple[Tensor, Tensor]:
    with reading(file), np.load(file) as arrays:
        pixels, labels = arrays[f"{split}_x"], arrays[f"{split}_y"]
    shapes = labels.ndim == 1 and pixels.shape == (len(labels), 32, 32, 3)
    if not shapes or pixels.dtype != np.uint8 or labels.dtype.kind not in "iu":
        raise damaged(file, f"images {pixels.shape} {pixels.dtype}, labels {labels.shape} {labels.dtype}")
    _check_classes(file, labels.tolist())
    return torch.from_numpy(pixels).permute(0, 3, 1, 2), torch.from_numpy(labels).long()


def _check_classes(file: Path, labels: list[int]) -> None:
    found = set(labels)
    if unknown := found.difference(CLASSES):
        raise damaged(file, f"it has a class {min(unknown)}, known are 0 to {CLASSES[-1]}")
    if len(found) < len(CLASSES):
        raise damaged(file, f"it has {len(found)} of {len(CLASSES)} classes", "is not whole")


def _training_frames(root: Path) -> list[tuple[Path, int]]:
    """Each frame with its class, which is the name of its folder.

    Whole are all class folders, with the published number of frames or, in a smaller set, as many in each: a copy or
    an unpacking that was broken off has neither.
    """
    folder = root / "gtsrb/GTSRB/Training"
    names = [f"{label:05d}" for label in CLASSES]
    if missing := sorted(set(names).difference(listed(folder))):
        there = f"{len(names) - len(missing)} of {len(names)} class folders"
        raise damaged(folder, f"{there}, without {', '.join(missing)}", "is not whole")
    files = {label: listed(folder / f"{label:05d}", ".ppm") for label in CLASSES}
    counts = [len(of_class) for of_class in files.values()]
    if sum(counts) not in _sets.GTSRB_FRAMES and (min(counts) < max(counts) or not min(counts)):
        whole = " or ".join(f"{count:,}" for count in _sets.GTSRB_FRAMES)
        reason = f"{sum(counts)} frames, a whole set has {whole}, a smaller one as many of every class"
        raise damaged(folder, f"{reason}; any other choice can be packed as gtsrb32.npz", "is not whole")
    return [(folder / f"{label:05d}" / file, label) for label, names in files.items() for file in names]


def _test_frames(root: Path) -> list[tuple[Path, int]]:
    """Each frame with its class, in the order of the table; a whole set has the frames that the table lists."""
    folder, table = root / "gtsrb/GTSRB/Final_Test/Images", root / "gtsrb/GT-final_test.csv"
    with reading(table), open(table, newline="", encoding="utf-8-sig") as lines:
        rows = csv.DictReader(lines, delimiter=";", skipinitialspace=True)
        labels = {row["Filename"]: int(row["ClassId"]) for row in rows}
    there = listed(folder, ".ppm")
    if set(there) != set(labels):
        lacking = f"{table.name} lists {len(labels)}, of which {len(set(labels).difference(there))} are not there"
        raise damaged(folder, f"{len(there)} frames; {lacking}", "is not whole")
    _check_classes(table, list(labels.values()))
    return [(folder / file, label) for file, label in labels.items()]


def _shrunk(file: Path) -> Tensor:
    import torchvision.transforms.functional as transforms

    return transforms.pil_to_tensor(transforms.resize(opened(file), [32, 32]))
