"""What a model says of images, over several passes where it draws."""

from __future__ import annotations

import torch
from torch import Tensor

from advcourse.core.running import Model, predict, predicted

DRAWS = 10
REPEATED = 1e-4
"""Logits of two passes that differ by no more of the largest differ by rounding: not every kernel adds in one order."""


def clean_passes(
    model: Model, images: Tensor, draws: int | None = None, *, batch_size: int = 256
) -> tuple[list[Tensor], bool]:
    """The logits of ``draws`` passes, and whether they differ: whether the model is random.

    Two passes are made to see that. Where ``draws`` is not given, ``DRAWS`` are counted of a random model and one of
    any other.
    """
    found = [predict(model, images, batch_size=batch_size) for _ in range(2)]
    random = _differ(*found)
    draws = (DRAWS if random else 1) if draws is None else int(draws)
    found += [predict(model, images, batch_size=batch_size) for _ in range(draws - 2)]
    random = random or any(_differ(found[0], other) for other in found[2:])
    return found[:draws], random


def classes(logits: list[Tensor]) -> Tensor:
    """The class of each image in each pass, ``(draws, N)``, on the CPU; -1 where a logit is NaN."""
    return torch.stack([predicted(each).cpu() for each in logits])


def _differ(one: Tensor, other: Tensor) -> bool:
    scale = one.nan_to_num(0, 0, 0).abs().amax().item()
    share = max(REPEATED, 8 * torch.finfo(one.dtype).eps)
    return not torch.allclose(one, other, rtol=0, atol=share * scale, equal_nan=True)
