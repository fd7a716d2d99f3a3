"""Running a model: leaving no trace, for its answers alone, and counting what it costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from advcourse.core._torch import anything_compiled, rows
from advcourse.core.validation import check_answer, check_logits

Model = Callable[[Tensor], Tensor]
BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


@contextmanager
def untouched(model: Model, images: Tensor, generator: torch.Generator | None = None) -> Iterator[None]:
    """Run the model in the mode it is in and leave no trace: buffers that a train-mode forward moves are put
    back, and where a ``generator`` is given the global random state too. Gradients are on inside, also
    under ``torch.no_grad()``.
    """
    buffers: list[tuple[Tensor, Tensor]] = []
    if isinstance(model, nn.Module) and any(module.training for module in model.modules()):
        buffers = [(buffer, buffer.clone()) for buffer in model.buffers()]
    with ExitStack() as stack:
        if generator is not None:
            stack.enter_context(forked(images.device))
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        try:
            yield
        finally:
            with torch.no_grad():
                for buffer, before in buffers:
                    buffer.data.copy_(before)  # through .data: a graph of the caller's may hold the buffer


def forked(device: torch.device) -> AbstractContextManager[None]:
    """Afterwards torch's global random states, the CPU's and the device's, are as before."""
    return torch.random.fork_rng([] if device.type == "cpu" else [device], device_type=device.type)


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
    parts = []
    with evaluating(model), torch.no_grad():
        for batch in images.split(int(batch_size)):
            parts.append(model(detached(batch).clone()))
            check_answer(parts[-1], len(batch))
    return torch.cat(parts)


def predicted(logits: Tensor) -> Tensor:
    """The class of each image, ``(N,)``; -1, which is no class, where a logit is NaN."""
    return logits.argmax(1).masked_fill(logits.isnan().any(1), -1)


def detached(images: Tensor) -> Tensor:
    """The images without a graph, contiguous or as ``channels_last``: what every network can take."""
    last = images.is_contiguous(memory_format=torch.channels_last)
    return images.detach() if last else images.detach().contiguous()


def answer(model: Model, x: Tensor) -> Tensor:
    """What the model returns. A single image is shown twice to a BatchNorm in training, which takes no single value:
    attacks that drop what is fooled may come down to one.
    """
    if len(x) > 1 or not isinstance(model, nn.Module):
        return model(x)
    if not any(isinstance(module, BATCH_NORMS) and module.training for module in model.modules()):
        return model(x)
    twice = model(torch.cat([x, x]))
    return twice[:1] if isinstance(twice, Tensor) else twice


def eager() -> AbstractContextManager[object]:
    """Compiled networks run uncompiled inside: of those a graph can be differentiated only once."""
    return torch.compiler.set_stance("force_eager") if anything_compiled() else nullcontext()


def logits_of(model: Model, x: Tensor, labels: Tensor, targets: Tensor | None = None) -> Tensor:
    """The model's logits, checked against the labels."""
    logits = answer(model, x)
    check_logits(logits, labels, targets)
    return logits


def is_fooled(logits: Tensor, labels: Tensor, targets: Tensor | None = None) -> Tensor:
    """Per image: predicted as its target, or without targets as anything but its label; never where a logit is NaN."""
    found = predicted(logits.detach())
    return (found != labels) & (found >= 0) if targets is None else found == targets


@dataclass
class Passes:
    """Rows (images) that went forward through a model, and rows of gradient that came back to its logits."""

    forwards: int = 0
    backwards: int = 0


@contextmanager
def count_passes(model: nn.Module) -> Iterator[Passes]:
    """Count the images a model is run on and the rows differentiated: one cotangent row is one backward pass.

    Batched gradients (``is_grads_batched``, ``torch.func``) are counted in full: K cotangents for each of N images
    are K N backward passes, although the model's backward runs once for them.

    Args:
        model: a module that returns logits ``(N, K)``.
    """
    passes = Passes()

    def back(gradient: Tensor) -> None:
        passes.backwards += rows(gradient)

    def forth(module: nn.Module, inputs: tuple, logits: Tensor) -> None:
        passes.forwards += rows(logits)
        if logits.requires_grad:
            logits.register_hook(back)

    handle = model.register_forward_hook(forth)
    try:
        yield passes
    finally:
        handle.remove()
