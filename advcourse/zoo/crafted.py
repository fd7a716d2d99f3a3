"""Perturbations that take minutes to optimise, made by this project and shipped as small files.

``load("patch/toaster")`` hands one out; ``python -m advcourse craft patch/toaster`` makes it again and measures it.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch

from advcourse.core import files
from advcourse.zoo._crafts import CRAFTS
from advcourse.zoo._facts import today

FOLDER = Path(__file__).parent / "files" / "crafted"


def file(name: str, folder: Path = FOLDER) -> Path:
    """File of that name; its card lies beside it as ``.json``."""
    return folder / f"{_known(name).replace('/', '-')}.safetensors"


def names() -> list[str]:
    """Every name that ``load`` knows."""
    return list(CRAFTS)


def card(name: str, folder: Path = FOLDER) -> dict:
    """Card of a shipped perturbation: what it was made on, command, device, minutes, what was measured, sha256."""
    return files.card(file(name, folder), _advice(name))


def load(name: str, device: torch.device | str | None = None, *, folder: Path = FOLDER) -> Any:
    """A shipped perturbation, on ``device`` (the CPU where none is given): a ``Patch``, a ``Sticker``, a texture.

    Raises:
        ValueError: for an unknown name (the message lists the known ones).
        FileNotFoundError: where its file is not there.
        RuntimeError: where its file is damaged.
    """
    tensors = files.read(file(name, folder), _advice(name))
    return CRAFTS[name].wrap({key: tensor.to(device or "cpu") for key, tensor in tensors.items()})


def make(name: str, device: torch.device, *, folder: Path = FOLDER) -> dict:
    """Make a perturbation again, measure it, write its file and its card; returns the card."""
    target, recipe, start = file(name, folder), CRAFTS[name], time.perf_counter()
    tensors = recipe.make(device)
    minutes = round((time.perf_counter() - start) / 60, 1)
    return files.write(
        target,
        tensors,
        {
            "name": name,
            "command": f"python -m advcourse craft {name}",
            **recipe.facts,
            "measured": recipe.measure(device, tensors),
            "device": f"{device.type}, {torch.get_num_threads()} threads",
            "minutes": minutes,
            **today(),
        },
    )


def _known(name: str) -> str:
    if name not in CRAFTS:
        raise ValueError(f"name is {name!r}, expected one of {', '.join(CRAFTS)}")
    return name


def _advice(name: str) -> str:
    return f"restore it from the repository, or make it with `python -m advcourse craft {name}`"
