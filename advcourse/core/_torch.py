"""What torch has no public name for; every use of its private parts is here, and a test knows for which versions."""

from __future__ import annotations

import sys

import torch
from torch import Tensor


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
