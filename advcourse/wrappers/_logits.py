"""A model whose answer holds its logits among other things, as one that returns them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from advcourse.core.validation import check_callable


def logits_from(model: Callable[[Tensor], Any], pick: Callable[[Any], Tensor]) -> nn.Module:
    """A module that maps images to ``pick(model(images))``.

    Args:
        model: returns a tuple, a dictionary or an object.
        pick: takes the logits ``(N, K)`` out of it, ``lambda answer: answer.logits``.

    Raises:
        ValueError: where one of the two cannot be called.
    """
    check_callable(model=model, pick=pick)
    return _Picking(model, pick)


class _Picking(nn.Module):
    def __init__(self, model: Callable[[Tensor], Any], pick: Callable[[Any], Tensor]):
        super().__init__()
        self.model, self.pick = model, pick
        self.training = getattr(model, "training", False)

    def forward(self, images: Tensor) -> Tensor:
        return self.pick(self.model(images))
