"""What makes a run that run: its loss, its augmentation and its data, in words that are the same in every process."""

from __future__ import annotations

import dis
import functools
import hashlib
from collections.abc import Iterable, Mapping
from types import CodeType, FunctionType, MethodType
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset, TensorDataset

SHORT = 160  # characters of a description that a message can hold


def identify(value: Any) -> str:
    """A function, an object or a setting by its name and settings, without addresses.

    A function is its name, a digest of its code, its defaults, and what it closes over but does not itself set; a
    module or another object its class, the code that is called, and its public settings, those of the modules within
    too. Left out is what moves while a run goes on: parameters and buffers, and what lists hold.
    """
    text = _describe(value, ())
    return text if len(text) <= SHORT else f"{text[:SHORT]}… {_sha(text)}"


def _describe(value: Any, within: tuple[int, ...]) -> str:
    if value is None or isinstance(value, bool | int | float | complex | str | bytes):
        return repr(value)
    if isinstance(value, torch.dtype | torch.device):
        return str(value)
    if isinstance(value, Tensor):
        return f"tensor {digest([value])}"
    if id(value) in within:
        return "…"
    inside = functools.partial(_describe, within=(*within, id(value)))
    if isinstance(value, functools.partial):
        return f"{inside(value.func)}{_call([inside(each) for each in value.args], value.keywords, inside)}"
    if isinstance(value, Mapping):
        return _call([], value, inside)
    if isinstance(value, tuple):
        return f"({', '.join(map(inside, value))})"
    if isinstance(value, MethodType):
        return f"{inside(value.__self__)}.{value.__name__}"
    if isinstance(value, FunctionType):
        settings = {**_defaults(value), **_closed_over(value)}
        return f"{value.__qualname__}[{_code(value.__code__)}]{_call([], settings, inside) if settings else ''}"
    if isinstance(value, type) or not hasattr(value, "__dict__"):
        return getattr(value, "__qualname__", type(value).__qualname__)
    kept = {name: each for name, each in vars(value).items() if not name.startswith("_") and name != "training"}
    called = getattr(type(value), "forward" if isinstance(value, nn.Module) else "__call__", None)
    code = [_code(called.__code__)] if isinstance(called, FunctionType) else []
    built = [_sha(str(value))] if isinstance(value, nn.Module) else []
    kept |= dict(value.named_children()) if isinstance(value, nn.Module) else {}
    return f"{type(value).__qualname__}{code + built}{_call([], kept, inside)}"


def _call(given: list[str], named: Mapping, inside: Any) -> str:
    return f"({', '.join([*given, *(f'{name}={inside(each)}' for name, each in named.items())])})"


def _defaults(function: FunctionType) -> dict[str, Any]:
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    given = function.__defaults__ or ()
    return {**dict(zip(names[len(names) - len(given) :], given, strict=True)), **(function.__kwdefaults__ or {})}


def _closed_over(function: FunctionType) -> dict[str, Any]:
    sets = {step.argval for step in dis.get_instructions(function) if step.opname == "STORE_DEREF"}
    held = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        if name not in sets:
            try:
                held[name] = cell.cell_contents
            except ValueError:  # not bound yet
                continue
    return held


def _code(code: CodeType) -> str:
    constants = [_code(each) if isinstance(each, CodeType) else _constant(each) for each in code.co_consts]
    return _sha(repr((code.co_code, code.co_names, constants)))[:8]


def _constant(value: object) -> str:
    """Sets print in another order in every process."""
    return repr(sorted(map(repr, value))) if isinstance(value, frozenset) else repr(value)


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def digest(tensors: Iterable[Tensor]) -> str:
    """A digest of the values of tensors, with their shapes and dtypes."""
    found = hashlib.blake2b(digest_size=8)
    for tensor in tensors:
        found.update(f"{tuple(tensor.shape)} {tensor.dtype}".encode())
        for part in tensor.detach().contiguous().flatten().split(2**22):
            found.update(part.cpu().view(torch.uint8).numpy().data)
    return found.hexdigest()


def digest_of_data(data: tuple[Tensor, Tensor] | Dataset) -> str:
    """A digest of images and labels; a ``Dataset`` without tensors is described."""
    if isinstance(data, TensorDataset):
        return digest(data.tensors)
    return identify(data) if isinstance(data, Dataset) else digest(data)
