"""What a card says of a run of training."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import torch

from advcourse import __version__, data, runtime

if TYPE_CHECKING:
    from accelerate.state import AcceleratorState


class Described(Protocol):
    """What every recipe says."""

    @property
    def data(self) -> str: ...
    @property
    def epochs(self) -> int: ...
    @property
    def batch_size(self) -> int: ...
    @property
    def mixed_precision(self) -> str: ...
    @property
    def seed(self) -> int: ...


def checkpoint_of(name: str) -> Path:
    """Where the checkpoint of a network's training lies if nobody says otherwise."""
    return data.cache_folder() / "checkpoints" / f"{name.replace('/', '-')}.pt"


def today(*packages: str) -> dict:
    """The date, and the versions of this package, of Python, torch and of other packages."""
    described = runtime.describe()
    versions = {"advcourse": __version__, **{key: described[key] for key in ("python", "torch", *packages)}}
    return {"date": datetime.date.today().isoformat(), "versions": versions}


def facts(name: str, recipe: Described, epochs: int, state: AcceleratorState, history: list[dict]) -> dict:
    """Data, command, seed, device, time, versions."""
    default = "" if epochs == recipe.epochs else f" --epochs {epochs}"
    return {
        "data": f"{recipe.data}, train",
        "command": f"python -m advcourse train {name}{default}",
        "seed": recipe.seed,
        "epochs": epochs,
        "batch_size": recipe.batch_size,
        "mixed_precision": recipe.mixed_precision,
        "device": f"{state.device.type}, {state.num_processes} process(es) of {torch.get_num_threads()} threads",
        "minutes": round(sum(record["minutes"] for record in history), 1),
        **today("accelerate"),
    }
