"""What changes without being returned: numbers and gradients of tensors, modes of models, states of generators."""

from __future__ import annotations

import builtins
import importlib
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from advcourse.grading.wire import WireError

if TYPE_CHECKING:
    from advcourse.grading.peer import Peer
    from advcourse.grading.values import Values

OPEN = {"Oracle": ("left", "k", "reveals", "budget", "queries", "batch_size")}
"""Attributes that can be asked of an object which stays on the other side, by the name of a class it is of."""


class Track:
    """What the other side was last told of a thing."""

    def changes(self, key: str, values: Values) -> list[Any]:
        raise NotImplementedError


class TensorTrack(Track):
    """Numbers of a tensor, whether it requires a gradient, and the gradient that it holds."""

    def __init__(self, tensor: Tensor):
        self.tensor = tensor
        self.note()

    def note(self) -> None:
        self.value = self.tensor.detach().clone()
        self.required = self.tensor.requires_grad
        gradient = self._gradient()
        self.gradient = None if gradient is None else gradient.detach().clone()

    def _gradient(self) -> Tensor | None:
        return self.tensor.grad if self.tensor.is_leaf else None

    def changes(self, key: str, values: Values) -> list[Any]:
        found: list[Any] = []
        if not _same(self.tensor, self.value):
            found.append(["value", key, values.numbers(self.tensor)])
        if self.tensor.is_leaf and self.tensor.requires_grad != self.required:
            found.append(["requires_grad", key, self.tensor.requires_grad])
        gradient = self._gradient()
        if not (gradient is self.gradient is None or _same(gradient, self.gradient)):
            found.append(["grad", key, None if gradient is None else values.numbers(gradient)])
        if found:
            self.note()
        return found


class ModeTrack(Track):
    """Whether a model is in train mode."""

    def __init__(self, module: nn.Module):
        self.module, self.training = module, module.training

    def note(self) -> None:
        self.training = self.module.training

    def changes(self, key: str, values: Values) -> list[Any]:
        if self.module.training == self.training:
            return []
        self.note()
        return [["mode", key, bool(self.training)]]


class DrawTrack(Track):
    """The state of a generator."""

    def __init__(self, generator: torch.Generator):
        self.generator = generator
        self.note()

    def note(self) -> None:
        self.state = self.generator.get_state()

    def changes(self, key: str, values: Values) -> list[Any]:
        if torch.equal(self.generator.get_state(), self.state):
            return []
        self.note()
        return [["state", key, values.numbers(self.state)]]


def of(thing: Any) -> Track | None:
    """What follows a thing, where it is one that changes."""
    if isinstance(thing, Tensor):
        return TensorTrack(thing)
    if isinstance(thing, nn.Module):
        return ModeTrack(thing)
    return DrawTrack(thing) if isinstance(thing, torch.Generator) else None


def apply(peer: Peer, change: Any, values: Values) -> None:
    """Do here what was done there.

    Raises:
        WireError: where that is not possible.
    """
    try:
        kind, key, what = change
        track = peer.tracked[key]
        if kind == "mode" and isinstance(track, ModeTrack):
            track.module.training = bool(what)
        elif kind == "state" and isinstance(track, DrawTrack):
            track.generator.set_state(values.raw(what))
        elif isinstance(track, TensorTrack):
            _change(track.tensor, kind, values.raw(what) if isinstance(what, list) else what)
        else:
            raise WireError(f"{kind!r} of {key!r} came")
        track.note()
    except WireError:
        raise
    except Exception as error:
        raise WireError(f"a change came that cannot be made: {error}") from error


def _change(tensor: Tensor, kind: str, what: Any) -> None:
    if kind == "value":
        if what.shape == tensor.shape and what.dtype == tensor.dtype:
            with torch.no_grad():
                tensor.detach().copy_(what)
        else:
            tensor.data = what
    elif kind == "requires_grad":
        tensor.requires_grad_(bool(what))
    elif kind == "grad":
        kept = tensor.grad
        if what is None or kept is None or kept.shape != what.shape or kept.dtype != what.dtype:
            tensor.grad = what
        else:
            with torch.no_grad():
                kept.copy_(what)
    else:
        raise WireError(f"{kind!r} came")


def _same(a: Tensor | None, b: Tensor | None) -> bool:
    if a is None or b is None or a.shape != b.shape or a.dtype != b.dtype:
        return False
    a, b = a.detach(), b.detach()
    return bool(
        torch.equal(a, b)
        or (a.is_floating_point() and torch.equal(a.isnan(), b.isnan()) and torch.equal(a.nan_to_num(), b.nan_to_num()))
    )


def open_names(thing: Any) -> tuple[str, ...]:
    """Attributes of a thing that the other side may ask for."""
    return next((OPEN[kind.__name__] for kind in type(thing).__mro__ if kind.__name__ in OPEN), ())


def exception_of(name: str) -> type[Exception] | None:
    """The built-in exception of that name; none that would end a loop of the test quietly."""
    if name in ("builtins.StopIteration", "builtins.StopAsyncIteration"):
        return None
    found = getattr(builtins, str(name).removeprefix("builtins."), None) if str(name).startswith("builtins.") else None
    return found if isinstance(found, type) and issubclass(found, Exception) else None


def any_exception_of(name: str) -> type[Exception] | None:
    """The exception of that name, imported where need be."""
    module, _, kind = name.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), kind)
    except (ImportError, AttributeError, ValueError):
        return None
    return found if isinstance(found, type) and issubclass(found, Exception) else None
