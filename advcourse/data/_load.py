"""Real images as tensors: ``load("cifar10", "test", n=100)``.

A set is looked for in ``$ADVCOURSE_DATA``, then in the cache, then downloaded through torchvision. With no
data and no network, ``load`` says so in one line and hands out the digits bundled with scikit-learn in the
shape asked for (``photos`` for the photographs). Where ``ADVCOURSE_DATA`` is set nothing is substituted:
missing data is an error.
"""

from __future__ import annotations

import os
import textwrap
from pathlib import Path

import torch
import torch.nn.functional as F

from advcourse.core.validation import check_count, check_flag
from advcourse.data._fetch import at_hand, obtain
from advcourse.data._photographs import photos
from advcourse.data._places import Missing
from advcourse.data._readers import BUNDLED, NAMES, READERS, digits
from advcourse.data._whole import Loaded

_STAND_IN_SHAPES = {"mnist": (1, 28), "fashion-mnist": (1, 28), "cifar10": (3, 32)}


def load(name: str, split: str = "test", n: int | None = None, *, stand_in: bool = True) -> Loaded:
    """Images of a data set, their labels and the names of the classes.

    Args:
        name: one of ``NAMES``. ``digits`` are 8x8; photographs are cropped to 224x224 at the centre.
        split: ``"train"`` or ``"test"``; the photographs and the cue-conflict images are all ``"test"``.
        n: take this many: a fixed random draw, the same everywhere, of which a smaller draw is the
            beginning; all of them where there are fewer. All, in their original order, where it is not given.
        stand_in: whether other images may stand in for a set that is not to be had.

    Returns:
        ``(images, labels, classes)``: float32 ``(N, C, H, W)`` in [0, 1], contiguous, int64 ``(N,)``, list of names.
        The labels of ``cue-conflict`` are ``(N, 2)``: shape, texture.

    Raises:
        ValueError: for an unknown name (the message lists the known ones), an unknown split, a bad ``n``.
        Missing: where the set is nowhere to be had and nothing may stand in for it.
        RuntimeError: where a set in ``$ADVCOURSE_DATA`` is not whole: the message names what is missing, damaged or
            not to be read. In the cache that is fetched again.
    """
    if name not in NAMES:
        raise ValueError(f"name is {name!r}, expected one of {', '.join(NAMES)}")
    splits = ("test",) if name in ("photos", "imagenet-samples", "cue-conflict") else ("train", "test")
    if split not in splits:
        raise ValueError(f"split is {split!r}, expected {' or '.join(splits)}: {name} has no other")
    check_flag(stand_in=stand_in)
    if n is not None:
        check_count(n=n)
    try:
        pixels, labels, classes = BUNDLED[name](split) if name in BUNDLED else obtain(name, split, READERS[name])
    except Missing as missing:
        if not stand_in:
            raise
        pixels, labels, classes = _stand_in(name, split, missing)
    if n is not None:
        drawn = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))[:n]
        pixels, labels = pixels[drawn], labels[drawn]
    images = pixels.float().div_(255) if pixels.dtype == torch.uint8 else pixels
    return images.contiguous(), labels, classes


def available() -> dict[str, Path | str | None]:
    """Where each set lies on this machine, ``"bundled"``, or ``None`` where it is not at hand."""
    return {name: "bundled" if name in BUNDLED else at_hand(name) for name in NAMES}


def _stand_in(name: str, split: str, missing: Missing) -> Loaded:
    if os.environ.get("ADVCOURSE_DATA"):
        raise missing
    if name == "gtsrb":
        raise Missing(f"{missing}; nothing bundled can stand in for traffic signs") from missing
    if name in _STAND_IN_SHAPES:
        reason = textwrap.shorten(missing.reason, 160, placeholder=" …")
        print(f"No {name} here and no download ({reason}): the digits bundled with scikit-learn stand in for it.")
        channels, size = _STAND_IN_SHAPES[name]
        images, labels, classes = digits(split)
        # As in MNIST the digit fills 20 of 28 pixels; the contrast brings its strokes to MNIST's width.
        inner = round(size * 20 / 28)
        images = F.interpolate(images, size=(inner, inner), mode="bicubic").sub(0.2).div(0.6).clamp(0, 1)
        before, after = (size - inner) // 2, size - inner - (size - inner) // 2
        return F.pad(images, (before, after, before, after)).repeat(1, channels, 1, 1), labels, classes
    print(f"No {name} here: the photographs bundled with scikit-image stand in for it.")
    images, labels, classes = photos(split)
    return images, torch.stack([labels, labels], 1) if name == "cue-conflict" else labels, classes
