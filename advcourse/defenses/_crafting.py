"""What losses that attack while they train share: images crafted in a stated mode, and a size that grows."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import torch
from torch import Tensor, nn

from advcourse.core.running import Model, evaluating
from advcourse.core.validation import check_above, check_callable, check_choice, check_count
from advcourse.training import Loss

Crafter = Callable[..., Tensor]
MODES = ("eval", "train")


def crafting(model: Model, mode: str) -> AbstractContextManager[None]:
    """The model as the attack inside sees it: in eval mode, or in the mode it is in."""
    return evaluating(model) if mode == "eval" else nullcontext()


def crafted(attack: Crafter, model: Model, images: Tensor, labels: Tensor, mode: str) -> Tensor:
    """What the attack makes of the images, without a graph."""
    with crafting(model, mode):
        found = attack(model, images, labels)
    if not isinstance(found, Tensor) or found.shape != images.shape:
        came = f"shape {tuple(found.shape)}" if isinstance(found, Tensor) else f"a {type(found).__name__}"
        raise ValueError(f"attack returned {came}, expected images {tuple(images.shape)}")
    return found.detach()


def check_attack(attack: Crafter, mode: str) -> None:
    """A callable ``(model, images, labels) -> images`` that asks for nothing else, and a mode to run it in."""
    check_callable(attack=attack)
    check_choice("mode", mode, MODES)
    try:
        parameters = inspect.signature(attack).parameters
    except ValueError:  # a builtin tells no signature
        return
    targets = parameters.get("targets")
    if targets is not None and targets.default is inspect.Parameter.empty:
        raise ValueError(
            "attack asks for targets, expected one that takes (model, images, labels): wrap it in a function that "
            "chooses a target for each label"
        )


class Growing(nn.Module):
    """A loss ``(model, images, labels, size) -> scalar`` whose size grows evenly to its full value.

    Args:
        loss: takes the size of the step in question as its last argument.
        name: of the size, for messages.
        size: its full value.
        warmup: training steps until it is reached; 0 starts with it.
    """

    step: Tensor

    def __init__(self, loss: Callable[..., Tensor], name: str, size: float, warmup: int):
        super().__init__()
        check_above(0, **{name: size})
        check_count(at_least=0, warmup=warmup)
        self.loss, self.size, self.warmup = loss, float(size), int(warmup)
        self.register_buffer("step", torch.tensor(0))

    def forward(self, model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
        self.step += 1
        share = min(1.0, self.step.item() / self.warmup) if self.warmup else 1.0
        return self.loss(model, images, labels, share * self.size)


def grown(loss: Callable[..., Tensor], attack: Crafter, eps: float | None, warmup: int, mode: str) -> Loss:
    """The loss ``(model, images, labels, attack=…, mode=…)`` with its attack; its ball grows to ``eps``."""
    check_attack(attack, mode)
    loss = partial(loss, mode=mode)
    if eps is not None:
        return Growing(partial(_of_size, loss=loss, attack=attack), "eps", eps, warmup)
    check_count(at_least=0, warmup=warmup)
    if warmup:
        raise ValueError(f"warmup is {warmup}, expected 0 without eps: nothing is there to grow")
    return partial(loss, attack=attack)


def _of_size(
    model: nn.Module, images: Tensor, labels: Tensor, size: float, *, loss: Callable[..., Tensor], attack: Crafter
) -> Tensor:
    return loss(model, images, labels, attack=partial(attack, eps=size))
