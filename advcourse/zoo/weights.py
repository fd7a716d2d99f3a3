"""Networks of the course and their weights: ``load("mnist/cnn")`` hands out a network in eval mode.

A classifier maps images in [0, 1] to logits and owns its normalisation; a denoiser maps images to images, a generator
latents to images.
Names without a prefix are networks this project trained (``FOLDER``); ``reference/…`` are networks that others trained
and that lie in ``$ADVCOURSE_DATA/weights``; ``imagenet/…`` are torchvision's. ``python -m advcourse train NAME`` makes
one again.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from advcourse.core import files
from advcourse.zoo._architectures import ARCHITECTURES, CLASSIFIERS, DENOISERS, GENERATORS, build
from advcourse.zoo._others import REFERENCES, TORCHVISION, imagenet, reference

__all__ = [
    "ARCHITECTURES",
    "CLASSIFIERS",
    "DENOISERS",
    "FOLDER",
    "GENERATORS",
    "REFERENCES",
    "build",
    "card",
    "file",
    "load",
    "make",
    "names",
    "save",
]

FOLDER = Path(__file__).parent / "files" / "weights"


def names() -> list[str]:
    """Every name that ``load`` knows, whether or not its weights are at hand."""
    return [*ARCHITECTURES, *REFERENCES, *TORCHVISION, "imagenet"]


def file(name: str, folder: Path = FOLDER) -> Path:
    """File of a shipped network's weights; its model card lies beside it as ``.json``."""
    return folder / f"{name.replace('/', '-')}.safetensors"


def card(name: str, folder: Path = FOLDER) -> dict:
    """Model card of a shipped network: data, command, seed, epochs, device, accuracy, size, sha256."""
    if name not in ARCHITECTURES:
        raise ValueError(f"name is {name!r}, expected a network that this project trains: {', '.join(ARCHITECTURES)}")
    return files.card(file(name, folder), _advice(name))


def _advice(name: str) -> str:
    return f"restore it from the repository, or make it with `python -m advcourse train {name}`"


def load(name: str, device: torch.device | str | None = None, *, folder: Path = FOLDER) -> nn.Module:
    """A trained network in eval mode, on ``device`` (the CPU where none is given).

    ``imagenet/…`` are taken from torchvision's cache. What is not there is replaced by the reference network of the
    same architecture in ``$ADVCOURSE_DATA``, which one line says, since its weights are others; where there is none it
    is downloaded. ``"imagenet"`` is mobilenet_v2, and prints which of the two it is.

    Args:
        name: one of ``names()``.
        device: where the network goes.
        folder: of the networks that this project trained.

    Returns:
        A module that maps images ``(N, C, H, W)`` in [0, 1] to logits ``(N, classes)``; one of ``DENOISERS`` to images;
        one of ``GENERATORS`` maps latents ``(N, latent)``, normal and independent, to images.

    Raises:
        ValueError: for an unknown name (the message lists the known ones).
        FileNotFoundError: where the weights are not at hand (the message says how to get them).
        RuntimeError: where a weight file is damaged (the message names it and says how to mend it).
    """
    if name in ARCHITECTURES:
        model = build(name)
        model.load_state_dict(files.read(file(name, folder), _advice(name)))
    elif name in REFERENCES:
        model = reference(name)
    elif name == "imagenet" or name in TORCHVISION:
        model = imagenet(name)
    else:
        raise ValueError(f"name is {name!r}, expected one of {', '.join(names())}")
    return model.eval().to(device or "cpu")


def save(name: str, model: nn.Module, facts: dict, folder: Path = FOLDER) -> dict:
    """Write a network's weights and its model card; returns the card with size and sha256 filled in.

    Args:
        name: one of ``ARCHITECTURES``.
        model: as ``build`` made it, trained.
        facts: data, command, seed, epochs, device, accuracy … for the card.
        folder: where both files go.
    """
    return files.write(file(name, folder), model.state_dict(), {"name": name, **facts})


def make(
    name: str,
    *,
    epochs: int | None = None,
    device: str | None = None,
    folder: Path = FOLDER,
    checkpoint: Path | None = None,
    resume: bool = True,
) -> dict | None:
    """Train a shipped network by its recipe, measure it on the test set, write its weights and its card.

    Args:
        name: one of ``ARCHITECTURES``.
        epochs: the recipe's where it is not given.
        device: ``"cpu"``, ``"cuda"``, ``"mps"``; the best at hand where it is not given.
        folder: where both files go.
        checkpoint: of the run; in the cache folder where it is not given.
        resume: go on from the checkpoint of a run that was stopped.

    Returns:
        The card; None in a process that is not the first of several.

    Raises:
        ValueError: unknown name, or a device that is not there.
        FileNotFoundError: the data set is not at hand (a stand-in would make other weights under this name).
    """
    from advcourse.zoo import _train, _train_gan  # load accelerate

    train = _train_gan.train_generator if name in GENERATORS else _train.train
    made = train(name, epochs, device, checkpoint, resume)
    return made and save(name, *made, folder)
