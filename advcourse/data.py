"""Real images as tensors: ``load("cifar10", "test", n=100)``.

A set is looked for in ``$ADVCOURSE_DATA``, then in the cache, then downloaded through torchvision. With no
data and no network, ``load`` says so in one line and hands out the digits bundled with scikit-learn in the
shape asked for (``photos`` for the photographs). Where ``ADVCOURSE_DATA`` is set nothing is substituted:
missing data is an error.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import pickle
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from advcourse import _sets
from advcourse.runtime import downloading
from advcourse.validation import check_count

Loaded = tuple[Tensor, Tensor, list[str]]

PHOTO_SIZE = 224
_STAND_IN_SHAPES = {"mnist": (1, 28), "fashion-mnist": (1, 28), "cifar10": (3, 32)}


class Missing(FileNotFoundError):
    """The set is in none of the places it was looked for; the message says which, and why no download."""

    reason = "none to be had"


def cache_folder() -> Path:
    """Where downloads go: ``$ADVCOURSE_CACHE``, else ``advcourse`` in the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.environ.get("ADVCOURSE_CACHE") or f"{base}/advcourse").expanduser()


def load(name: str, split: str = "test", n: int | None = None, *, stand_in: bool = True) -> Loaded:
    """Images of a data set, their labels and the names of the classes.

    Args:
        name: one of :data:`NAMES`. ``digits`` are 8x8; photographs are cropped to 224x224 at the centre.
        split: ``"train"`` or ``"test"``; the photographs and the cue-conflict images are all ``"test"``.
        n: take this many: a fixed random draw, the same everywhere, of which a smaller draw is the
            beginning; all of them where there are fewer. All, in their original order, where it is not given.
        stand_in: whether other images may stand in for a set that is not to be had.

    Returns:
        ``(images, labels, classes)``: float32 ``(N, C, H, W)`` in [0, 1], int64 ``(N,)``, list of names.
        The labels of ``cue-conflict`` are ``(N, 2)``: shape, texture.

    Raises:
        ValueError: for an unknown name (the message lists the known ones), an unknown split, a bad ``n``.
        Missing: where the set is nowhere to be had and nothing may stand in for it.
        RuntimeError: where a file is truncated or corrupted; the message names it and says how to mend it.
    """
    if name not in _READERS:
        raise ValueError(f"unknown data set {name!r}; known: {', '.join(NAMES)}")
    splits = ("test",) if name in ("photos", "imagenet-samples", "cue-conflict") else ("train", "test")
    if split not in splits:
        raise ValueError(f"split is {split!r}; {name} has {' and '.join(splits)}")
    if n is not None:
        check_count(n=n)
    try:
        pixels, labels, classes = _READERS[name](name, split)
    except Missing as missing:
        if not stand_in:
            raise
        pixels, labels, classes = _stand_in(name, split, missing)
    if n is not None:
        drawn = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))[:n]
        pixels, labels = pixels[drawn], labels[drawn]
    images = pixels.float().div_(255) if pixels.dtype == torch.uint8 else pixels
    return images, labels, classes


def available() -> dict[str, Path | str | None]:
    """Where each set lies on this machine, ``"bundled"``, or ``None`` where it is not at hand."""
    return {name: "bundled" if name in ("digits", "photos") else _find(name, "test") for name in NAMES}


def _roots() -> list[Path]:
    given = os.environ.get("ADVCOURSE_DATA")
    return [*([Path(given).expanduser()] if given else []), cache_folder()]


def _find(name: str, split: str) -> Path | None:
    """First root that holds the set's split, or a part of it."""
    patterns = {
        "gtsrb": ["gtsrb32.npz", f"gtsrb/GTSRB/{'Training' if split == 'train' else 'Final_Test'}"],
        "imagenet-samples": ["imagenet/photos/[0-9][0-9][0-9]_*.jpg"],
        "cue-conflict": ["cue_conflict/[a-z]*[0-9]-[a-z]*[0-9].jpg"],
    }
    parts = patterns.get(name) or [f"{file}{end}" for file in _sets.FILES[name, split] for end in ("", ".gz")]
    return next((root for root in _roots() if any(any(root.glob(part)) for part in parts)), None)


def _root(name: str, split: str) -> Path:
    """The root that holds the set, after a download where that is what it takes."""
    found = _find(name, split)
    if found is None and name not in _sets.DOWNLOADERS:
        raise Missing(f"{name} is found in $ADVCOURSE_DATA alone, which is {os.environ.get('ADVCOURSE_DATA')}")
    return found or _download(name, split)


_refused: dict[tuple[str, Path], Missing] = {}
"""Downloads that failed in this process: a network that does not answer is waited for once."""


def _download(name: str, split: str) -> Path:
    import torchvision.datasets

    folder = cache_folder()
    if (name, folder) in _refused:
        raise _refused[name, folder]
    dataset = getattr(torchvision.datasets, _sets.DOWNLOADERS[name])
    try:
        with downloading():
            dataset(folder, download=True, **({"split": split} if name == "gtsrb" else {"train": split == "train"}))
    except (OSError, RuntimeError) as error:
        places = " or ".join(map(str, _roots()))
        missing = Missing(f"{name} is not in {places}, and its download failed ({error})")
        missing.reason = str(error)
        _refused[name, folder] = missing
        raise missing from error
    return folder


def _stand_in(name: str, split: str, missing: Missing) -> Loaded:
    if os.environ.get("ADVCOURSE_DATA"):
        raise missing
    if name == "gtsrb":
        raise Missing(f"{missing}; nothing bundled can stand in for traffic signs") from missing
    if name in _STAND_IN_SHAPES:
        reason = " ".join(missing.reason.split())[:80]
        print(f"No {name} here and no download ({reason}): the digits bundled with scikit-learn stand in for it.")
        channels, size = _STAND_IN_SHAPES[name]
        images, labels, classes = _digits(name, split)
        # As in MNIST the digit fills 20 of 28 pixels; the contrast brings its strokes to MNIST's width.
        inner = round(size * 20 / 28)
        images = F.interpolate(images, size=(inner, inner), mode="bicubic").sub(0.2).div(0.6).clamp(0, 1)
        before, after = (size - inner) // 2, size - inner - (size - inner) // 2
        return F.pad(images, (before, after, before, after)).repeat(1, channels, 1, 1), labels, classes
    print(f"No {name} here: the photographs bundled with scikit-image stand in for it.")
    images, labels, classes = _photos(name, split)
    return images, torch.stack([labels, labels], 1) if name == "cue-conflict" else labels, classes


def _damaged(file: Path, reason: object) -> RuntimeError:
    return RuntimeError(f"{file} is damaged ({reason}): delete it and load the set again, or unpack it again")


def _checked(name: str, split: str) -> list[bytes]:
    """The contents of the set's files, each compared with its checksum; what the cache lacks is fetched again."""
    root = _root(name, split)
    files = [root / relative for relative in _sets.FILES[name, split]]
    if root == cache_folder() and not all(_packed(file).is_file() for file in files):
        _download(name, split)
    return [_content(file, md5s) for file, md5s in zip(files, _sets.FILES[name, split].values(), strict=True)]


def _packed(file: Path) -> Path:
    """The file, or what it is unpacked from where only that is there."""
    archive = file.with_name(file.name + ".gz")
    return archive if archive.is_file() and not file.is_file() else file


def _content(file: Path, accepted: list[str]) -> bytes:
    source = _packed(file)
    if not source.is_file():
        raise _damaged(file, "it is missing from the set")
    try:
        content = source.read_bytes() if source == file else gzip.decompress(source.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(source, error) from error
    if hashlib.md5(content, usedforsecurity=False).hexdigest() not in accepted:
        raise _damaged(source, f"{source.stat().st_size} bytes, and its md5 is not the published one")
    return content


def _idx(name: str, split: str) -> Loaded:
    images, labels = (
        torch.frombuffer(bytearray(content), dtype=torch.uint8, offset=start)
        for content, start in zip(_checked(name, split), (16, 8), strict=True)
    )
    classes = _sets.DIGITS if name == "mnist" else _sets.FASHION
    return images.view(-1, 1, 28, 28), labels.long(), list(classes)


def _cifar10(name: str, split: str) -> Loaded:
    batches = [pickle.loads(content, encoding="latin1") for content in _checked(name, split)]
    pixels = np.concatenate([batch["data"] for batch in batches]).reshape(-1, 3, 32, 32)
    labels = [label for batch in batches for label in batch["labels"]]
    return torch.from_numpy(pixels), torch.tensor(labels), list(_sets.CIFAR10)


def _gtsrb(name: str, split: str) -> Loaded:
    root = _root(name, split)
    packed = root / "gtsrb32.npz"
    if not packed.is_file():
        return _gtsrb_frames(root, split)
    try:
        with np.load(packed) as arrays:
            pixels, labels = arrays[f"{split}_x"], arrays[f"{split}_y"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise _damaged(packed, error) from error
    if len(pixels) != len(labels) or pixels.dtype != np.uint8:
        raise _damaged(packed, f"{len(pixels)} {pixels.dtype} images and {len(labels)} labels")
    return torch.from_numpy(pixels).permute(0, 3, 1, 2), torch.from_numpy(labels).long(), list(_sets.GTSRB)


def _gtsrb_frames(root: Path, split: str) -> Loaded:
    import torchvision.datasets
    import torchvision.transforms.functional as transforms

    frames = torchvision.datasets.GTSRB(root, split=split, download=False)
    pixels = [transforms.pil_to_tensor(transforms.resize(image, [32, 32])) for image, _ in frames]
    return torch.stack(pixels), torch.tensor([label for _, label in frames]), list(_sets.GTSRB)


def _digits(name: str, split: str) -> Loaded:
    from sklearn.datasets import load_digits

    bundled = load_digits()
    order = torch.randperm(len(bundled.target), generator=torch.Generator().manual_seed(0))
    part = order[:1437] if split == "train" else order[1437:]
    images = torch.from_numpy(bundled.images).float().div(16).unsqueeze(1)
    return images[part], torch.from_numpy(bundled.target).long()[part], list(_sets.DIGITS)


def _photos(name: str, split: str) -> Loaded:
    import skimage

    folder = Path(skimage.__file__).parent / "data"
    pixels = torch.stack([_photograph(folder / file) for file in _sets.PHOTOS])
    return pixels, torch.tensor(list(_sets.PHOTOS.values())), imagenet_classes()


def _imagenet_samples(name: str, split: str) -> Loaded:
    files = sorted((_root(name, split) / "imagenet/photos").glob("[0-9][0-9][0-9]_*.jpg"))
    labels = torch.tensor([int(file.name.split("_")[0]) for file in files])
    return torch.stack([_photograph(file) for file in files]), labels, imagenet_classes()


def _cue_conflict(name: str, split: str) -> Loaded:
    files, labels = [], []
    for file in sorted((_root(name, split) / "cue_conflict").glob("*-*.jpg")):
        cues = [cue.rstrip("0123456789") for cue in file.stem.split("-")]
        if set(cues) <= set(_sets.CUES):  # shape, texture
            files.append(file)
            labels.append([_sets.CUES.index(cue) for cue in cues])
    labels = torch.tensor(labels)
    return torch.stack([_photograph(file) for file in files]), labels, list(_sets.CUES)


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
        raise _damaged(file, error) from error
    if min(image.size) > 256:
        image = transforms.resize(image, 256)
    return transforms.pil_to_tensor(transforms.center_crop(image, PHOTO_SIZE))


_READERS: dict[str, Callable[[str, str], Loaded]] = {
    "digits": _digits,
    "mnist": _idx,
    "fashion-mnist": _idx,
    "cifar10": _cifar10,
    "gtsrb": _gtsrb,
    "photos": _photos,
    "imagenet-samples": _imagenet_samples,
    "cue-conflict": _cue_conflict,
}
NAMES = tuple(_READERS)
