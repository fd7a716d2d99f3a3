"""Values as they stand in a frame: what is known on both sides by its key, everything else by its content."""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from advcourse.grading import mirrors
from advcourse.grading.graphs import leaves_under
from advcourse.grading.wire import (
    DEEPEST,
    LARGEST_FRAME,
    CannotCross,
    WireError,
    array_of,
    bytes_of,
    is_dense,
    tensor_of,
)

if TYPE_CHECKING:
    from advcourse.grading.peer import Peer

LARGEST_DENSE = 2**28
"""Numbers that a sparse tensor has, zeros among them."""

LONGEST_RANGE = 10**6
"""Numbers of a range: it is sent as three, and whoever sums it up cannot be interrupted."""

CONTAINERS = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}
COLUMN_TYPES = ("object", "bool", "str", "string", "int64", "int32", "float64", "float32")
"""Types of the columns of a table that crosses."""


class Values:
    """What one frame holds.

    Args:
        answering: whether it holds results, which keep their graphs, or arguments, whose graphs end where they cross.
        blocks: of a frame that came.
    """

    def __init__(self, peer: Peer, answering: bool, blocks: list[bytes] | None = None):
        self.peer, self.answering = peer, answering
        self.blocks: list[bytes] = [] if blocks is None else blocks

    # -- numbers

    def numbers(self, tensor: Tensor) -> list[Any]:
        shape, stride = list(tensor.shape), list(tensor.stride())
        plain = tensor.is_contiguous() or not is_dense(shape, stride)
        return [
            str(tensor.dtype).removeprefix("torch."),
            shape,
            None if plain else stride,
            self._block(bytes_of(tensor)),
        ]

    def raw(self, item: Any) -> Tensor:
        try:
            dtype, shape, stride, number = item
            return tensor_of(dtype, shape, stride, self._taken(number))
        except (TypeError, ValueError, IndexError, OverflowError, RuntimeError) as error:
            raise WireError(f"what came is no tensor: {error}") from error

    def _block(self, block: bytes) -> int:
        self.blocks.append(block)
        return len(self.blocks) - 1

    def _taken(self, number: Any) -> bytes:
        if type(number) is not int or not 0 <= number < len(self.blocks):
            raise WireError(f"there is no block {number!r}")
        return self.blocks[number]

    # -- to a frame

    def put(self, value: Any, depth: int = 0) -> Any:
        """A value as JSON.

        Raises:
            CannotCross: for one of another kind.
        """
        kind = type(value)
        if value is None or kind in (bool, int, float, str):
            return value
        if depth > DEEPEST:
            raise CannotCross(f"containers within containers, {DEEPEST} deep, do not cross")
        if kind in (list, tuple, set, frozenset):
            return [kind.__name__, [self.put(each, depth + 1) for each in value]]
        if isinstance(value, dict) and not isinstance(value, nn.Module):
            return ["dict", [[self.put(k, depth + 1), self.put(v, depth + 1)] for k, v in value.items()]]
        if id(value) in self.peer.keys:
            return ["known", self.peer.keys[id(value)]]
        if isinstance(value, Tensor):
            return self._put_tensor(value)
        return self._put_small(value) or mirrors.put(self.peer, self, value, depth)

    def _put_small(self, value: Any) -> list[Any] | None:
        if isinstance(value, torch.dtype | torch.device | torch.layout | torch.memory_format):
            return ["torch", str(value).removeprefix("torch."), type(value).__name__]
        if isinstance(value, torch.Size):
            return ["size", list(value)]
        if isinstance(value, complex):
            return ["complex", value.real, value.imag]
        if isinstance(value, slice | range):
            return [type(value).__name__, value.start, value.stop, value.step]
        if value is ...:
            return ["..."]
        if isinstance(value, np.generic | np.ndarray) and value.dtype.kind in "biufc":
            name = "array" if isinstance(value, np.ndarray) else "scalar"
            return [name, value.dtype.str, list(value.shape), self._block(np.ascontiguousarray(value).tobytes())]
        if isinstance(value, torch.Generator):
            return ["generator", self.peer.add(value), self.numbers(value.get_state())]
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            kind = type(value)
            return ["named", f"{kind.__module__}:{kind.__qualname__}", [self.put(each, 1) for each in value]]
        if type(value).__module__ == "torch.return_types":
            return self.put(tuple(value))
        return _put_table(self, value)

    def _put_tensor(self, value: Tensor) -> list[Any]:
        if type(value) not in (Tensor, nn.Parameter):
            raise CannotCross(f"a tensor of class {type(value).__name__} does not cross")
        if value.is_quantized or value.device.type != "cpu" or value.layout not in (torch.strided, torch.sparse_coo):
            raise CannotCross(f"a tensor of layout {value.layout} on {value.device} does not cross")
        if value.layout == torch.sparse_coo:
            value = value.detach().coalesce()
            return ["sparse", self.numbers(value.indices()), self.numbers(value.values()), list(value.shape)]
        if not self.answering:
            return ["tensor", *self.part(value)]
        if value.grad_fn is not None:
            return self._put_graph(value)
        owner = self._owner(value)
        if owner is not None:
            offset = value.storage_offset() - self.peer.known[owner].storage_offset()
            view = [list(value.shape), list(value.stride()), offset]
            if _lies_in(self.peer.known[owner], *view):
                return ["view", owner, *view]
        return ["result", self.numbers(value), value.requires_grad]

    def part(self, value: Tensor, *, lasting: bool = False) -> list[Any]:
        """A tensor that both sides will know: key, numbers, whether it is a parameter, ``requires_grad``, gradient."""
        gradient = value.grad if value.is_leaf else None
        parts = [type(value) is nn.Parameter, value.requires_grad, None if gradient is None else self.numbers(gradient)]
        return [self.peer.add(value, lasting=lasting), self.numbers(value), *parts]

    def taken(self, part: list[Any], *, lasting: bool = False) -> Tensor:
        """What ``part`` gave."""
        key, numbers, is_parameter, required, gradient = part
        tensor = self.raw(numbers)
        tensor = nn.Parameter(tensor, bool(required)) if is_parameter else tensor.requires_grad_(bool(required))
        if gradient is not None:
            tensor.grad = self.raw(gradient)
        self.peer.add(tensor, self.foreign(key), lasting=lasting)
        return tensor

    def foreign(self, key: Any) -> str:
        """The key, where it is one that the other side gives.

        Raises:
            WireError: for another.
        """
        theirs = "s" if self.peer.trusted else "t"
        if not isinstance(key, str) or key[:1] != theirs or not key[1:].isdecimal():
            raise WireError(f"{key!r} came as a key")
        return key

    def _put_graph(self, value: Tensor) -> list[Any]:
        """A tensor with a graph to what both sides know; to what a test's own function depends on, too."""
        leaves, known = leaves_under(value), self.peer.leaves
        new = [self.part(leaf, lasting=True) for leaf in leaves if self.peer.trusted and id(leaf) not in known]
        found = {known[id(leaf)]: leaf for leaf in leaves if id(leaf) in known}
        return ["graph", self.numbers(value), self.peer.keep(value, list(found.values())), list(found), new]

    def _owner(self, value: Tensor) -> str | None:
        """What is known and shares the numbers of a tensor."""
        place = value.untyped_storage().data_ptr()
        if place == 0:
            return None
        for key in self.peer.tracked:
            thing = self.peer.known.get(key)
            if isinstance(thing, Tensor) and thing.dtype == value.dtype and thing.untyped_storage().data_ptr() == place:
                return key
        return None

    # -- from a frame

    def get(self, item: Any, depth: int = 0) -> Any:
        """The value of what ``put`` gave.

        Raises:
            WireError: where it is none, or one that may not come from there.
        """
        if item is None or type(item) in (bool, int, float, str):
            return item
        if not isinstance(item, list) or not item or depth > 2 * DEEPEST:
            raise WireError("what came is no value")
        try:
            return self._get(item[0], item[1:], depth)
        except WireError:
            raise
        except Exception as error:
            raise WireError(f"what came as {str(item[0])[:20]!r} is no value: {error}") from error

    def _get(self, kind: str, parts: list[Any], depth: int) -> Any:
        peer = self.peer
        if kind in CONTAINERS:
            return CONTAINERS[kind](self._all(parts[0], depth))
        if kind == "dict":
            return {self.get(k, depth + 1): self.get(v, depth + 1) for k, v in parts[0]}
        if kind == "known":
            return peer.leaf(parts[0])
        if kind == "tensor":
            return self.taken(parts)
        if kind == "result":
            return self.raw(parts[0]).requires_grad_(parts[1])
        if kind == "view":
            return _view(peer.find(parts[0]), *parts[1:])
        if kind == "graph":
            numbers, graph, keys, new = parts
            for part in [] if peer.trusted else new:
                self.taken(part, lasting=True)
            inputs = [peer.find(key) for key in keys]
            return peer.arrived(self.raw(numbers), int(graph), inputs)
        if kind == "sparse":
            indices, numbers, shape = parts
            if math.prod(shape) > LARGEST_DENSE:
                raise WireError(f"a sparse tensor of shape {shape} came")
            return torch.sparse_coo_tensor(
                self.raw(indices), self.raw(numbers), shape, check_invariants=True
            ).coalesce()
        return self._get_small(kind, parts, depth)

    def _get_small(self, kind: str, parts: list[Any], depth: int) -> Any:
        if kind == "torch":
            found = torch.device(parts[0]) if parts[1] == "device" else vars(torch)[parts[0]]
            if type(found).__name__ != parts[1] or parts[1] not in ("dtype", "device", "layout", "memory_format"):
                raise WireError(f"{parts} came")
            return found
        if kind == "size":
            return torch.Size(parts[0])
        if kind == "complex":
            return complex(*parts)
        if kind == "slice":
            return slice(*parts)
        if kind == "range":
            if len(found := range(*parts)) > LONGEST_RANGE:
                raise WireError(f"a range of {len(found)} numbers came, expected at most {LONGEST_RANGE}")
            return found
        if kind == "...":
            return ...
        if kind in ("array", "scalar"):
            found = array_of(parts[0], parts[1], self._taken(parts[2]))
            return found if kind == "array" else found[()]
        if kind == "generator":
            generator = torch.Generator()
            generator.set_state(self.raw(parts[1]))
            self.peer.add(generator, self.foreign(parts[0]))
            return generator
        if kind == "named":
            fields = self._all(parts[1], depth)
            if self.peer.trusted:
                return tuple(fields)
            module, _, name = parts[0].partition(":")
            return getattr(importlib.import_module(module), name)(*fields)
        if kind in ("frame", "series"):
            return _get_table(self, kind, parts, depth)
        return mirrors.get(self.peer, self, kind, parts, depth)

    def _all(self, items: Any, depth: int) -> Iterator[Any]:
        return (self.get(each, depth + 1) for each in items)


def _view(owner: Tensor, shape: list[int], stride: list[int], offset: int) -> Tensor:
    """A part of what both sides know, in the layout in which it went there; of its storage nothing else is seen."""
    if not _lies_in(owner, shape, stride, offset):
        owner = owner.detach().contiguous()
        if not _lies_in(owner, shape, stride, offset):
            raise WireError(f"a view of shape {shape} and strides {stride} came of a tensor of shape {owner.shape}")
    return owner.detach().as_strided(shape, stride, owner.storage_offset() + offset)


def _lies_in(owner: Tensor, shape: list[int], stride: list[int], offset: int) -> bool:
    """Whether a view reaches nothing but a tensor's own numbers, and is no larger than a tensor may be that comes."""
    if not (owner.is_contiguous() or is_dense(list(owner.shape), list(owner.stride()))):
        return False
    if min([offset, *shape, *stride], default=0) < 0 or math.prod(shape) * owner.itemsize > LARGEST_FRAME:
        return False
    last = offset + sum((side - 1) * step for side, step in zip(shape, stride, strict=True))
    return last < owner.numel() or 0 in shape


def _put_table(values: Values, value: Any) -> list[Any] | None:
    """A table of pandas, by its columns."""
    kind = f"{type(value).__module__.partition('.')[0]}.{type(value).__name__}"
    if kind not in ("pandas.DataFrame", "pandas.Series"):
        return None
    if not all(map(_is_plain, [value.index.dtype, *(value.dtypes if kind == "pandas.DataFrame" else [value.dtype])])):
        raise CannotCross(f"a {kind} with columns of other types than {', '.join(COLUMN_TYPES)} does not cross")
    index = values.put(value.index.tolist(), 1)
    if kind == "pandas.Series":
        return ["series", index, str(value.dtype), values.put(value.tolist(), 1)]
    columns = [[values.put(n, 1), str(column.dtype), values.put(column.tolist(), 1)] for n, column in value.items()]
    return ["frame", index, str(value.index.dtype), columns]


def _get_table(values: Values, kind: str, parts: list[Any], depth: int) -> Any:
    import pandas

    if kind == "series":
        index, dtype, numbers = parts
        return pandas.Series(values.get(numbers, depth + 1), index=values.get(index, depth + 1), dtype=_plain(dtype))
    index, dtype, columns = parts
    rows = pandas.Index(values.get(index, depth + 1), dtype=_plain(dtype))
    made = {
        values.get(name, depth + 1): pandas.Series(values.get(c, depth + 1), index=rows, dtype=_plain(d))
        for name, d, c in columns
    }
    return pandas.DataFrame(made, index=rows)


def _plain(dtype: str) -> str:
    if not _is_plain(dtype):
        raise WireError(f"a column of {dtype} came")
    return dtype


def _is_plain(dtype: Any) -> bool:
    return str(dtype) in COLUMN_TYPES
