"""What structured augmentation adds to an epoch of training."""

from __future__ import annotations

import statistics
import tempfile
from functools import partial

import torch

from advcourse import data, models, training
from advcourse.structured import augmented, cache_eigenbases, flow_step, recolor_step
from benchmarks import report
from benchmarks.results import Verdict
from benchmarks.timing import interleaved, ratios, spread

LIMITS = {"flow + basic": 2.3, "recolor + basic, bases cached": 2.5}
HEAD = ("augmentation", "seconds an epoch", "of a basic epoch")
VECTORS = 16


def tables(network: str, count: int, rounds: int, device: torch.device, clock: str) -> str:
    """Epochs of the same images, in rounds that hold one of each augmentation; the first round does not count."""
    images, labels, _ = data.load("cifar10", "train", n=count)
    with tempfile.TemporaryDirectory() as folder:
        bases = cache_eigenbases(images, VECTORS, folder, progress=False)
        steps = {
            "basic": None,
            "flow + basic": partial(flow_step, gamma=1.0, max_displacement=0.5, uniform=True),
            "recolor + basic, bases cached": partial(recolor_step, bases=bases, strength=0.05, uniform=True),
        }

        def epoch(step) -> None:
            training.fit(
                models.build(network).to(device),
                (images, labels),
                augmented(step, training.random_crop),
                epochs=1,
                progress=False,
            )

        runs = {name: partial(epoch, step) for name, step in steps.items()}
        times = {name: each[1:] for name, each in interleaved(runs, rounds + 1, device, clock).items()}
    over = {name: ratios(times[name], times["basic"]) for name in LIMITS}
    held = [
        Verdict(
            f"{name}, {network}, {count} images: an epoch at most {limit} of a basic one",
            spread(over[name]),
            statistics.median(over[name]) <= limit,
        )
        for name, limit in LIMITS.items()
    ]
    rows = [[name, spread(each, 2), spread(over[name], 2) if name in over else "1"] for name, each in times.items()]
    return f"{report.verdict_table(held)}\n\n{report.table(HEAD, rows)}"
