"""What the runs behind a shipped network or table share: a schedule, their seconds, results that are kept."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR

from advcourse import data, training
from advcourse.core.files import write_json
from advcourse.core.validation import check_count
from advcourse.zoo._facts import today


def one_cycle(optimizer: torch.optim.Optimizer, lr: float, steps: int, warmup: float = 0.2) -> LRScheduler:
    """Up to ``lr`` over that share of the steps, then down to nearly nothing along a cosine.

    Source: Smith & Topin 2017, arXiv:1708.07120.
    """
    return OneCycleLR(optimizer, lr, total_steps=steps, pct_start=warmup, cycle_momentum=False)


def timed(device: torch.device) -> Callable[[nn.Module, dict], dict]:
    """For ``on_epoch_end``: the seconds of each epoch, the processor's on a CPU.

    They stand in the history, which a run that is stopped and goes on takes along.
    """
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    start = clock()

    def seconds(model: nn.Module, record: dict) -> dict:
        nonlocal start
        passed, start = clock() - start, clock()
        return {"seconds": passed}

    return seconds


def seconds_of(history: list[dict]) -> float:
    """Of a run that was ``timed``."""
    return round(sum(record["seconds"] for record in history), 3)


def kept(file: Path, run: Callable[[], Any]) -> Any:
    """What a run returned, read from its file; where there is none, it runs, and its checkpoint beside it goes."""
    if not file.is_file():
        write_json(file, run(), 1)
        file.with_suffix(".pt").unlink(missing_ok=True)
    return json.loads(file.read_text(encoding="utf-8"))


def by_seed(
    study: str,
    run: Callable[[int, torch.device], list[dict]],
    seeds: int,
    settings: Any,
    device: torch.device | str,
    file: Path,
    runs: Path | None,
) -> dict:
    """The records of one run for each seed, kept in a folder, as a study's table, which is written to its file.

    Args:
        run: ``(seed, device) -> records``.
        settings: the dataclass that makes a run that run.
        runs: the folder; in the cache folder where it is not given.
    """
    check_count(seeds=seeds)
    device = torch.device(device)
    training.accelerator_state(device.type)
    folder = runs or data.cache_folder() / "studies" / study
    records = []
    for seed in range(seeds):
        done = folder / f"{seed}-{'-'.join(map(str, asdict(settings).values()))}-{device.type}.json"
        records += kept(done, partial(run, seed, device))
    made = {
        "command": f"python -m advcourse study {study} --seeds {seeds} --device {device.type}",
        "settings": {**asdict(settings), "device": device.type},
        **today(),
        "runs": records,
    }
    write_json(file, made, 1)
    return made


def shipped_table(file: Path, study: str) -> dict:
    """A study's table.

    Raises:
        FileNotFoundError: where its file is not there.
    """
    if not file.is_file():
        raise FileNotFoundError(f"no study at {file}: make it with `python -m advcourse study {study}`")
    return json.loads(file.read_text(encoding="utf-8"))
