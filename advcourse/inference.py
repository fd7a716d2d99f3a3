"""Running a model for its answers alone: in eval mode, without a graph, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """The model in eval mode; afterwards every submodule is back in its own mode."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def predict(model: nn.Module, images: Tensor, *, batch_size: int = 256) -> Tensor:
    """Logits ``(N, K)`` of images ``(N, C, H, W)``, in eval mode, batch by batch, without a graph."""
    with evaluating(model), torch.no_grad():
        return torch.cat([model(batch.clone()) for batch in images.split(int(batch_size))])
