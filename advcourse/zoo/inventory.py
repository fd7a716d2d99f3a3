"""What is at hand on this machine: data sets, weights, shipped perturbations."""

from __future__ import annotations

import os
from pathlib import Path

from advcourse import data, runtime
from advcourse.zoo import crafted, weights


def info(*, folder: Path = weights.FOLDER) -> None:
    """Print versions and device, where each data set is, and which weights are at hand, ours in ``folder``."""
    for name, value in runtime.describe().items():
        print(f"{name:18} {value}")
    print(f"\ndata (ADVCOURSE_DATA is {os.environ.get('ADVCOURSE_DATA') or 'not set'}, cache {data.cache_folder()})")
    for name, place in data.available().items():
        print(f"{name:18} {place or 'not here'}")
    print("\nweights")
    for name in weights.ARCHITECTURES:
        print(f"{name:34} {_shipped(name, folder)}")
    for name in crafted.names():
        print(f"{name:34} {crafted.card(name)['measured'] if crafted.file(name).is_file() else 'not here'}")
    for name in weights.REFERENCES:
        root = os.environ.get("ADVCOURSE_DATA")
        file = Path(Path(root or "").expanduser(), "weights", name.removeprefix("reference/") + ".safetensors")
        print(f"{name:34} {file if root and file.is_file() else 'not here'}")


def _shipped(name: str, folder: Path) -> str:
    if not weights.file(name, folder).is_file():
        return f"not here; make it with python -m advcourse train {name}"
    card = weights.card(name, folder)
    robust = card.get("robust_accuracy")
    if name in weights.GENERATORS:
        return ", ".join(f"{key} {value:.3g}" for key, value in card.items() if key.startswith(("FD-", "KL-")))
    if name in weights.DENOISERS:
        return f"error {card['error']:.3g}/255 of {card['error_of_noisy_images']:.3g}/255"
    return f"test accuracy {card['accuracy']:.2%}" + (f", {robust:.2%} under {card['attack']}" if robust else "")


def describe_data(name: str) -> None:
    """Load a data set, downloading it where need be, and print its place, shapes, classes and pixel statistics."""
    for split in ("train", "test"):
        try:
            images, labels, classes = data.load(name, split)
        except ValueError:
            if name in data.NAMES and split == "train":  # photographs have no training part
                continue
            raise
        spread = ", ".join(
            f"{m:.4f} ± {s:.4f}" for m, s in zip(images.mean((0, 2, 3)), images.std((0, 2, 3)), strict=True)
        )
        print(f"{name} {split}: images {tuple(images.shape)}, labels {tuple(labels.shape)}, {len(classes)} classes")
        print(f"  pixels in [{images.min():.3g}, {images.max():.3g}], mean ± standard deviation {spread}")
    print(f"  classes: {', '.join(classes[:10])}{' …' if len(classes) > 10 else ''}")
    print(f"  from: {data.available()[name] or 'a stand-in'}")


def show_card(card: dict) -> None:
    """Print a card, a line for each entry."""
    print("\n".join(f"{key:16} {value}" for key, value in card.items()))
