"""A set of images shared out among the processes that were started together, and what they found put together."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import torch
import torch.distributed
from torch import Tensor

from advcourse.evaluation._sequence import Cost, Run

PER_IMAGE = {"adversarial": 0, "attacked": 0, "clean": 0, "known": 0, "fooled_by": 1, "tried": 1}
"""Tensors of a ``Run``, and along which dimension the images lie."""


def _place() -> tuple[int, int]:
    """Number of this process and how many there are."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    return 0, 1


def shared(numbers: Tensor) -> Tensor:
    """This process's part of the images' numbers: every w-th of them, w the number of processes.

    Raises:
        ValueError: where there are fewer images than processes.
    """
    rank, world = _place()
    if len(numbers) < world:
        raise ValueError(f"images has {len(numbers)} images, expected at least {world}: one for each process")
    return numbers[rank::world]


def suffix() -> str:
    """What tells the files of one process from those of another; nothing where there is but one."""
    rank, world = _place()
    return f"-{rank}of{world}" if world > 1 else ""


def gathered(run: Run, count: int) -> Run:
    """The run on all ``count`` images, in every process."""
    rank, world = _place()
    if world == 1:
        return run
    parts: list[Run] = [run] * world
    device = run.adversarial.device
    run.adversarial = run.adversarial.cpu()
    torch.distributed.all_gather_object(parts, run)
    whole: dict[str, Any] = {}
    for name, dim in PER_IMAGE.items():
        pieces = [getattr(part, name) for part in parts]
        shape = list(pieces[0].shape)
        shape[dim] = count
        whole[name] = torch.empty(shape, dtype=pieces[0].dtype)
        for number, piece in enumerate(pieces):
            whole[name][(slice(None),) * dim + (slice(number, None, world),)] = piece
    whole["adversarial"] = whole["adversarial"].to(device)
    costs = {
        name: Cost(**{each.name: sum(getattr(part.costs[name], each.name) for part in parts) for each in fields(Cost)})
        for name in run.costs
    }
    random, draws = any(part.random for part in parts), max(part.draws for part in parts)
    return replace(run, **whole, costs=costs, random=random, draws=draws)
