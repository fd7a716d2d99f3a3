"""Perturbations that take minutes to optimise, made by this project and shipped as small files.

`load("patch/toaster")` hands one out; `python -m advcourse craft patch/toaster` makes it again and measures it.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from advcourse import __version__, files, runtime

FOLDER = Path(__file__).parent / "weights" / "crafted"
Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class Craft:
    """How one file is made, and what its tensors are handed out as.

    Attributes:
        make: optimises on a device and measures on what it never saw: the tensors, and facts for the card.
        wrap: turns the tensors into what :func:`load` returns.
    """

    make: Callable[[torch.device], tuple[Tensors, dict]]
    wrap: Callable[[Tensors], object]


def file(name: str, folder: Path = FOLDER) -> Path:
    """File of that name; its card lies beside it as ``.json``."""
    return folder / f"{_known(name).replace('/', '-')}.safetensors"


def card(name: str) -> dict:
    """Card of a shipped perturbation: what it was made on, command, device, minutes, what was measured, sha256."""
    return files.card(file(name), _advice(name))


def load(name: str, device: torch.device | str | None = None) -> object:
    """A shipped perturbation, on ``device`` (the CPU where none is given).

    Raises:
        ValueError: for an unknown name (the message lists the known ones).
        FileNotFoundError: where its file is not there.
        RuntimeError: where its file is damaged.
    """
    tensors = files.read(file(name), _advice(name), lambda: card(name)["sha256"])
    return CRAFTS[name].wrap({key: tensor.to(device or "cpu") for key, tensor in tensors.items()})


def craft(name: str, device: torch.device, folder: Path = FOLDER) -> dict:
    """Make a perturbation again, measure it, write its file and its card; returns the card."""
    target, start = file(name, folder), time.perf_counter()
    tensors, facts = CRAFTS[name].make(device)
    described = runtime.describe()
    return files.write(target, tensors, {
        "name": name,
        "command": f"python -m advcourse craft {name}",
        **facts,
        "device": f"{device.type}, {torch.get_num_threads()} threads",
        "minutes": round((time.perf_counter() - start) / 60, 1),
        "date": datetime.date.today().isoformat(),
        "versions": {"advcourse": __version__, **{key: described[key] for key in ("python", "torch")}},
    })  # fmt: skip


def _known(name: str) -> str:
    if name not in CRAFTS:
        raise ValueError(f"unknown perturbation {name!r}; known: {', '.join(CRAFTS)}")
    return name


def _advice(name: str) -> str:
    return f"restore it from the repository, or make it with `python -m advcourse craft {name}`"


CRAFTS: dict[str, Craft] = {}
