"""The floor: the passes an attack makes, recorded and then run bare."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass
class Pass:
    """One run of the model: on how many images, whether it kept a graph, how often gradients came back."""

    rows: int
    graph: bool
    backwards: int = 0


@contextmanager
def recorded(model: nn.Module) -> Iterator[list[Pass]]:
    """The passes made inside the block, in order."""
    passes: list[Pass] = []

    def forth(module: nn.Module, inputs: tuple, logits: Tensor) -> None:
        made = Pass(len(logits), logits.requires_grad)
        passes.append(made)
        if made.graph:
            logits.register_hook(lambda gradient: setattr(made, "backwards", made.backwards + 1))

    handle = model.register_forward_hook(forth)
    try:
        yield passes
    finally:
        handle.remove()


def bare(model: nn.Module, images: Tensor, labels: Tensor, passes: list[Pass]) -> None:
    """The same passes and nothing else: no step, no projection, nothing kept.

    A backward pass is ``autograd.grad`` of the summed cross-entropy to the input alone.
    """
    for made in passes:
        x = images[: made.rows].detach().requires_grad_(made.graph)
        with torch.set_grad_enabled(made.graph):
            logits = model(x)
        for left in reversed(range(made.backwards)):
            loss = F.cross_entropy(logits, labels[: made.rows], reduction="sum")
            torch.autograd.grad(loss, x, retain_graph=left > 0)


def per_image(passes: list[Pass], count: int) -> tuple[float, float]:
    """Forward and backward passes, a row each, per image of the batch."""
    return sum(made.rows for made in passes) / count, sum(made.rows * made.backwards for made in passes) / count
