"""All work on one device, in a process of its own: ``python -m tests.device.worker DEVICE FOLDER``.

The folder is given, for every dtype and work, what the work found: tensors, where they were, numbers; or an error.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType

import torch
from safetensors.torch import save_file
from torch import Tensor

from tests.device import (
    attacking,
    claiming,
    defending,
    drawing,
    learning,
    measuring,
    playing,
    probing,
    scoring,
    structuring,
)
from tests.device.attacking import Found, Work, attacked, catalogue
from tests.device.backend import set_up
from tests.device.draws import DEVICE
from tests.device.held import LACKS
from tests.device.planted import PLANTED, SOUND
from tests.device.probing import REFUSALS, numbers

DTYPES = {"float64": torch.float64, "float32": torch.float32}  # in the second the device lacks the first, as MPS does
ALONE = {
    "float64": ("recolor", "attack recolor"),  # solved in float64 on all devices but MPS, which is known by its name
    "float32": ("plots", "explorers", "shipped"),
}


def works(dtype: str = "float64") -> dict[str, Work]:
    """By name, those done in that precision."""
    found: dict[str, Work] = {f"attack {case.name}": partial(attacked, case) for case in catalogue()}
    found |= defending.defenses()
    for module in (attacking, defending, measuring, playing, scoring, structuring, learning, drawing, probing):
        found |= named(module, "does_")
    (others,) = (names for other, names in ALONE.items() if other != dtype)
    return {name: work for name, work in found.items() if not name.startswith(others)}


def named(module: ModuleType, prefix: str) -> dict[str, Callable]:
    """Its functions whose names begin so, by the rest of their names."""
    return {
        name.removeprefix(prefix).replace("_", " "): each
        for name, each in vars(module).items()
        if name.startswith(prefix)
    }


def record(folder: Path, name: str, work: Work, device: str, dtype: torch.dtype) -> None:
    """What the work found, in a file of numbers and one of tensors."""
    start, tensors = time.process_time(), dict[str, Tensor]()
    torch.manual_seed(0)
    try:
        found: Found = work(device, dtype)
        tensors = {key: value.detach() for key, value in found.items() if isinstance(value, Tensor)}
        known = {key: value for key, value in found.items() if not isinstance(value, Tensor)}
        said = {"numbers": known, "devices": {key: str(value.device) for key, value in tensors.items()}}
    except Exception:
        said = {"error": traceback.format_exc()}
    save_file(
        {key: value.cpu().clone(memory_format=torch.contiguous_format) for key, value in tensors.items()},
        folder / f"{name}.safetensors",
    )
    (folder / f"{name}.json").write_text(json.dumps(said | {"seconds": time.process_time() - start}))


CLAIMS = named(claiming, "claims_that_")


def done_there() -> dict[str, str]:
    """What each thing that a device refuses says, and each claim where it does not hold; empty where it is done."""
    tried = {name: partial(each, numbers(DEVICE), numbers("cpu")) for name, (_, each) in REFUSALS.items()}
    said = {}
    for name, each in (tried | CLAIMS).items():
        try:
            each()
            said[name] = ""
        except Exception:
            said[name] = traceback.format_exc()
    return said


def main(device: str, folder: Path) -> None:
    torch.set_num_threads(1)
    os.environ["ACCELERATE_TORCH_DEVICE"] = device  # where ``fit`` trains
    if device == DEVICE:
        set_up()
        (folder / "there.json").write_text(json.dumps(done_there()))
    for name, dtype in DTYPES.items():
        (folder / name).mkdir()
        LACKS.update({torch.float64} if name == "float32" else ())
        for each, work in (works(name) | SOUND | PLANTED).items():
            record(folder / name, each, work, device, dtype)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
