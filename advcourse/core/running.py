"""Running a model: leaving no trace, for its answers alone, and counting what it costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from advcourse.core.private_torch import anything_compiled, rows
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
    if isinstance(model, nn.Module) and any(mode for _, mode in modes(model)):
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


def modes(model: Model) -> list[tuple[nn.Module, bool]]:
    """Every module of the model with its mode. A function has none, nor has a scripted module that was frozen."""
    if not isinstance(model, nn.Module):
        return []
    return [(module, module.training) for module in model.modules() if hasattr(module, "training")]


@contextmanager
def evaluating(model: Model) -> Iterator[None]:
    """The model in eval mode, outside any inference mode; afterwards every submodule is back in its own mode. What has
    no mode stays as it is.
    """
    before = modes(model)
    if isinstance(model, nn.Module) and before:
        with suppress(NotImplementedError):  # an exported program keeps the mode that it was exported in
            model.eval()
    try:
        with torch.inference_mode(False):
            yield
    finally:
        for module, training in before:
            module.training = training


def predict(model: Model, images: Tensor, *, batch_size: int = 256) -> Tensor:
    """Logits ``(N, K)`` of images ``(N, C, H, W)``, in eval mode, batch by batch, without a graph."""
    parts = []
    with evaluating(model), torch.no_grad():
        for batch in images.split(int(batch_size)):
            parts.append(model(_laid_out(batch).clone()))
            check_answer(parts[-1], len(batch))
    return torch.cat(parts)


def predicted(logits: Tensor) -> Tensor:
    """The class of each image, ``(N,)``; -1, which is no class, where a logit is NaN."""
    return logits.argmax(1).masked_fill(logits.isnan().any(1), -1)


def detached(images: Tensor) -> Tensor:
    """The images without a graph, contiguous or as ``channels_last``: what every network can take. What rounding took
    out of the box is put back.
    """
    return _laid_out(images).clamp(0, 1)


def _laid_out(images: Tensor) -> Tensor:
    last = images.is_contiguous(memory_format=torch.channels_last)
    return images.detach() if last else images.detach().contiguous()


def answer(model: Model, x: Tensor) -> Tensor:
    """What the model returns. A single image is shown twice to a BatchNorm in training, which takes no single value:
    attacks that drop what is fooled may come down to one.
    """
    if len(x) > 1 or not isinstance(model, nn.Module):
        return model(x)
    if not any(isinstance(module, BATCH_NORMS) and training for module, training in modes(model)):
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


def first_look(model: Model, images: Tensor, labels: Tensor, targets: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Logits of the images, without a graph, and the numbers of those that are not yet fooled."""
    with torch.no_grad():
        logits = logits_of(model, images.clone(), labels, targets)
    return logits, (~is_fooled(logits, labels, targets)).nonzero()[:, 0]


@dataclass
class Passes:
    """Rows (images) that went forward through a model, and rows of gradient that came back to its logits."""

    forwards: int = 0
    backwards: int = 0

    def see(self, logits: Tensor) -> None:
        """Count a forward pass by its answer, and what will be differentiated of it."""
        self.forwards += rows(logits)
        if logits.requires_grad:
            logits.register_hook(self._back)

    def _back(self, gradient: Tensor) -> None:
        self.backwards += rows(gradient)


@contextmanager
def counted(model: Model) -> Iterator[tuple[Model, Passes]]:
    """A model to run, and what its passes come to: one cotangent row is one backward pass.

    Batched gradients (``is_grads_batched``, ``torch.func``) are counted in full: K cotangents for each of N images
    are K N backward passes, although the model's backward runs once for them.

    Args:
        model: maps images to logits ``(N, K)``. Handed out is the model itself, whose passes are then counted however
            it is called; a function or a scripted module takes no hook, and in its place a module that calls it is.
    """
    passes, handle, run = Passes(), None, model
    if isinstance(model, nn.Module) and not isinstance(model, torch.jit.ScriptModule):
        handle = model.register_forward_hook(lambda module, inputs, logits: passes.see(logits))
    else:
        run = _Counted(model, passes)
    try:
        yield run, passes
    finally:
        if handle is not None:
            handle.remove()


@contextmanager
def count_passes(model: nn.Module) -> Iterator[Passes]:
    """Count the passes of a module that is called inside, as ``counted`` does, which also serves what takes no hook."""
    with counted(model) as (run, passes):
        if run is not model:
            came = type(model).__name__
            raise ValueError(f"model is a {came}, expected a module that takes hooks: core.running.counted counts it")
        yield passes


class _Counted(nn.Module):
    def __init__(self, model: Model, passes: Passes):
        super().__init__()
        self.model, self.passes = model, passes
        self.training = getattr(model, "training", False)

    def forward(self, images: Tensor) -> Tensor:
        logits = self.model(images)
        self.passes.see(logits)
        return logits
