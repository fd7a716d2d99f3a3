"""What stays where it is and is called from the other side: models with their weights, functions, iterators."""

from __future__ import annotations

import builtins
import importlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from advcourse.grading.tracks import open_names
from advcourse.grading.wire import CannotCross, WireError

if TYPE_CHECKING:
    from advcourse.grading.peer import Peer
    from advcourse.grading.values import Values

HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
LIBRARIES = ("torch", "builtins", "math", "operator")

MOST_ITEMS = 100_000
"""Items that are taken from an iterator of the other side."""


class Distant:
    """A function or an object of the other side."""

    def __init__(self, peer: Peer, name: str, attributes: tuple[str, ...]):
        self._peer, self._attributes, self.__name__ = peer, attributes, name

    def __call__(self, *given: Any, **named: Any) -> Any:
        return self._peer.call(self, given, named)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._attributes:
            raise AttributeError(f"{self.__name__} has no attribute {name}")
        return self._peer.ask("attribute", self, name)

    def __repr__(self) -> str:
        return f"<{self.__name__}>"


class DistantIterator:
    """An iterator of the other side."""

    def __init__(self, peer: Peer):
        self._peer, self._left = peer, MOST_ITEMS

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        self._left -= 1
        if self._left < 0:
            raise RuntimeError(f"an iterator was asked for its next {MOST_ITEMS:,} times")
        found = self._peer.ask("next", self)
        if not found:
            raise StopIteration
        return found[0]


class DistantModule(nn.Module):
    """A model of the other side; its weights, buffers and modes are here too, and its parts."""

    _peer: Peer

    def forward(self, *given: Any, **named: Any) -> Any:
        swapped = {name: tensor for name, tensor in _tensors(self) if id(tensor) not in self._peer.keys}
        if swapped:
            given, named = (*given, *swapped.values()), named | {"_swapped": list(swapped)}
        return self._peer.call(self, given, named)

    def __deepcopy__(self, memo: dict[int, Any]) -> nn.Module:
        memo[id(self)] = made = self._peer.ask("copy", self)
        return made


def called(module: nn.Module, given: tuple, named: dict[str, Any]) -> Any:
    """Run a model, with other tensors in the place of some of its own where they are named."""
    names = named.pop("_swapped")
    own = len(given) - len(names)
    return torch.func.functional_call(module, dict(zip(names, given[own:], strict=True)), tuple(given[:own]), named)


# -- to a frame


def put(peer: Peer, values: Values, value: Any, depth: int) -> list[Any]:
    """A model, a function, an object or an iterator.

    Raises:
        CannotCross: for what is none of them.
    """
    if isinstance(value, nn.Module):
        return ["module", _tree(peer, values, value, depth)]
    if (path := getattr(value, "_answer", None)) is not None:
        return ["answer", path]
    if peer.trusted and (path := _library(value)):
        return ["library", path]
    name = str(getattr(value, "__name__", type(value).__name__))[:200]
    if hasattr(value, "__next__"):
        return ["iterator", peer.add(value)]
    if callable(value):
        return ["callable", peer.add(value), name, list(open_names(value)) if peer.trusted else []]
    raise CannotCross(f"{type(value).__module__}.{type(value).__qualname__} does not cross")


def _library(value: Any) -> str | None:
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str) or module.partition(".")[0] not in LIBRARIES:
        return None
    try:
        return f"{module}:{name}" if _named(f"{module}:{name}") is value else None
    except (ImportError, AttributeError, WireError):
        return None


def _named(path: str) -> Any:
    module, _, name = path.partition(":")
    found: Any = importlib.import_module(module) if module != "builtins" else builtins
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _tree(peer: Peer, values: Values, module: nn.Module, depth: int) -> dict[str, Any]:
    if depth > 30:
        raise CannotCross("a model of more than 30 levels does not cross")
    base = next(kind for kind in type(module).__mro__ if kind.__module__.startswith("torch.nn.modules"))
    if not peer.trusted and (is_far(module) or isinstance(module, DistantModule)):
        raise CannotCross(f"a model of class {type(module).__name__} does not cross")
    tree: dict[str, Any] = {
        "key": peer.add(module),
        "kind": type(module).__name__,
        "base": f"{base.__module__}:{base.__name__}",
        "far": is_far(module),
        "training": module.training,
        "facts": {name: values.put(v) for name, v in vars(module).items() if _is_fact(v) and name != "training"},
    }
    for word, own in (("parameters", module._parameters), ("buffers", module._buffers)):
        tree[word] = {name: _put_part(peer, values, part) for name, part in own.items()}
    tree["children"] = {}
    for name, child in module._modules.items():
        known = None if child is None else peer.keys.get(id(child))
        tree["children"][name] = known or (None if child is None else _tree(peer, values, child, depth + 1))
    return tree


def _put_part(peer: Peer, values: Values, part: Tensor | None) -> Any:
    if part is None:
        return None
    if id(part) in peer.keys:
        return peer.keys[id(part)]
    return values.part(part, lasting=True)


def is_far(module: nn.Module) -> bool:
    """Whether a model has to run where it is: it is no plain layer of PyTorch, or somebody looks on."""
    exact = type(module).__module__.startswith("torch.nn.modules") and "forward" not in vars(module)
    watched = any(getattr(module, hooks) for hooks in HOOKS)
    return not exact or watched or any(is_far(child) for child in module.children())


def _is_fact(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return len(value) < 20 and all(isinstance(each, int | float) for each in value)
    return value is None or type(value) in (bool, int, float, str)


def _tensors(module: nn.Module) -> list[tuple[str, Tensor]]:
    return [*module.named_parameters(remove_duplicate=False), *module.named_buffers(remove_duplicate=False)]


# -- from a frame


def get(peer: Peer, values: Values, kind: str, parts: list[Any], depth: int) -> Any:
    """What ``put`` gave, as it can be had on this side.

    Raises:
        WireError: where it may not come from there.
    """
    if kind == "module":
        return _built(peer, values, parts[0], depth)
    if kind == "answer" and not peer.trusted:
        return peer.named(parts[0])
    if kind == "library" and not peer.trusted:
        return _named(parts[0])
    if kind == "iterator":
        made: Any = DistantIterator(peer)
    elif kind == "callable":
        made = Distant(peer, str(parts[1])[:200], () if peer.trusted else tuple(parts[2]))
    else:
        raise WireError(f"a value of kind {kind!r} came")
    peer.add(made, values.foreign(parts[0]))
    return made


def _built(peer: Peer, values: Values, tree: dict[str, Any], depth: int) -> nn.Module:
    if depth > 60:
        raise WireError("a model of too many levels came")
    path = str(tree["base"])
    if not path.startswith("torch.nn.modules."):
        raise WireError(f"a model of class {path} came")
    base = vars(importlib.import_module(path.partition(":")[0])).get(path.partition(":")[2])
    if not (isinstance(base, type) and issubclass(base, nn.Module)) or (peer.trusted and tree["far"]):
        raise WireError(f"a model of class {path} came")
    far = {"_peer": peer, "__module__": "models"}
    kind: type[nn.Module] = type(str(tree["kind"]), (DistantModule, base), far) if tree["far"] else base
    made: nn.Module = kind.__new__(kind)
    nn.Module.__init__(made)
    taken = vars(made).keys() if peer.trusted else set()
    for name, fact in tree["facts"].items():
        value = values.get(fact)
        if name in taken or (peer.trusted and not _is_fact(value)):
            continue
        if not name.startswith("__") and name not in vars(nn.Module) and not callable(getattr(base, name, None)):
            vars(made)[str(name)] = value
    made.training = bool(tree["training"])
    for word, own in (("parameters", made._parameters), ("buffers", made._buffers)):
        for name, part in tree[word].items():
            own[str(name)] = _get_part(peer, values, part)
    for name, child in tree["children"].items():
        made._modules[str(name)] = (
            None
            if child is None
            else peer.find(child)
            if isinstance(child, str)
            else _built(peer, values, child, depth + 1)
        )
    peer.add(made, values.foreign(tree["key"]))
    return made


def _get_part(peer: Peer, values: Values, part: Any) -> Any:
    if part is None or isinstance(part, str):
        return None if part is None else peer.find(part)
    return values.taken(part, lasting=True)
