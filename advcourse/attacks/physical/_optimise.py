"""The optimiser that the physical attacks share: Adam on a picture, put back where it may be after every step."""

from __future__ import annotations

import sys
from collections.abc import Callable

import torch
from torch import Tensor
from tqdm import tqdm

from advcourse.core.losses import input_gradient

Box = tuple[float, float] | tuple[Tensor, Tensor]


def draw_rows(images: Tensor, count: int, generator: torch.Generator | None) -> Tensor:
    """The places of ``count`` of the images, all where there are fewer, drawn without repetition."""
    device = images.device if generator is None else generator.device
    return torch.randperm(len(images), generator=generator, device=device)[:count].to(images.device)


def descend(
    pixels: Tensor,
    loss: Callable[[], Tensor],
    penalty: Callable[[], Tensor] | None = None,
    *,
    steps: int,
    step_size: float,
    box: Box = (0.0, 1.0),
    progress: bool = False,
) -> None:
    """Steps of Adam down a random loss, in place; clamped into the box after each.

    Args:
        pixels: what is optimised, a leaf that requires its gradient.
        loss: draws anew and returns a scalar that depends on ``pixels`` through a model.
        penalty: a scalar that is added and depends on them without one: its graph would hide that the model has none.
        steps: how many.
        step_size: Adam's learning rate.
        box: the lowest and the highest values, one for all or one for each.
        progress: show a bar on stdout, with the loss of the last step.
    """
    adam = torch.optim.Adam([pixels], lr=step_size)
    for _ in (bar := tqdm(range(steps), file=sys.stdout, mininterval=0.5, disable=not progress)):
        value = loss()
        pixels.grad = input_gradient(value, pixels)
        if penalty is not None:
            more = penalty()
            pixels.grad += torch.autograd.grad(more, pixels)[0]
            value = value + more
        adam.step()
        with torch.no_grad():
            pixels.clamp_(*box)
        bar.set_postfix(loss=f"{value.item():.3f}", refresh=False)
