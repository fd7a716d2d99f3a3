"""What torch has no public name for; every use of its private parts is here, and a test knows for which versions."""

from __future__ import annotations

import sys
from collections.abc import Callable

import torch
from torch import Tensor

IMPORTED_LATE = "torch._functorch.autograd_function"
"""What torch imports when an autograd function is first used under a transform of ``torch.func``."""


def rows(logits: Tensor) -> int:
    """Rows of logits, or of their gradient; inside ``vmap`` those of all that is batched."""
    # There is no public way to look inside. ``is_grads_batched`` batches by an older mechanism than torch.func.
    whole, level = logits, torch._C._vmapmode_increment_nesting() - 1
    torch._C._vmapmode_decrement_nesting()
    if level:
        whole = torch._remove_batch_dim(whole, level, 1, 0)
    while torch._C._functorch.is_functorch_wrapped_tensor(whole):
        whole = torch._C._functorch.get_unwrapped(whole)
    return whole.numel() // logits.shape[-1]


def anything_compiled() -> bool:
    """Whether a network may be compiled: whether the compiler is loaded."""
    return "torch._dynamo" in sys.modules


def is_transformed() -> bool:
    """Whether a transform of ``torch.func`` is under way."""
    return torch._C._functorch.peek_interpreter_stack() is not None


def by_rows(function: Callable[[Tensor], list[Tensor | None]], gradient: Tensor) -> list[Tensor | None] | None:
    """What a function of a gradient gives, one row after the other; None unless ``is_grads_batched`` asks for many."""
    if not torch._C._functorch.is_legacy_batchedtensor(gradient):
        return None
    level = torch._C._vmapmode_increment_nesting() - 1
    torch._C._vmapmode_decrement_nesting()
    columns = zip(*map(function, torch._remove_batch_dim(gradient, level, 1, 0)), strict=True)
    return [None if c[0] is None else torch._add_batch_dim(torch.stack(list(c)), 0, level) for c in columns]
