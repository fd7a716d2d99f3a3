"""Tensors on the device, and operators on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy
from functools import cache
from typing import Any

import torch
from torch import Tensor

from tests.device.draws import DEVICE, NAME, drawn

aten = torch.ops.aten
BETWEEN_DEVICES = {aten.copy_.default, aten._to_copy.default}
INDICES_OF_CPU = {aten.index.Tensor, aten.index_put.default, aten.index_put_.default, aten._index_put_impl_.default}
NUMBERS_OF_CPU = {aten.where.self, aten.masked_fill.Tensor, aten.masked_fill_.Tensor, aten.fill_.Tensor}
NUMBERS_OF_CPU |= {aten.index_fill.int_Tensor, aten.index_fill_.int_Tensor, *INDICES_OF_CPU}
LACKS: set[torch.dtype] = set()


class Held(Tensor):
    """A tensor on the device; ``held`` is the CPU tensor behind it, of the same size, strides and offset."""

    held: Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, held: Tensor) -> Held:
        layout = {"strides": held.stride(), "storage_offset": held.storage_offset(), "dtype": held.dtype}
        made = Tensor._make_wrapper_subclass(cls, held.shape, **layout, device=DEVICE)
        made.held = held
        return made

    @classmethod
    def __torch_dispatch__(cls, operator: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        return run(operator, *args, **kwargs or {})

    @property
    def data(self) -> Tensor:
        return Tensor.data.__get__(self)

    @data.setter
    def data(self, other: Held) -> None:
        Tensor.data.__set__(self, other)
        self.held = other.held

    def data_ptr(self) -> int:
        return self.held.data_ptr()

    def untyped_storage(self) -> Any:
        raise NotImplementedError(f"{DEVICE} has no memory of its own")  # torch would look at an address that is none

    def tolist(self) -> Any:
        return self.detach().cpu().tolist()

    def __repr__(self) -> str:
        return f"{self.detach().cpu()!r} on {DEVICE}"

    def __deepcopy__(self, memo: dict) -> Held:
        copied = self.detach().clone().requires_grad_(self.requires_grad)
        if isinstance(self, torch.nn.Parameter):
            copied._is_param = True
        else:
            copied.grad = deepcopy(self.grad, memo)
        memo[id(self)] = copied
        return copied

    def __reduce_ex__(self, protocol: int) -> Any:
        """Saved as what ``torch.load`` makes of any device's tensor with ``map_location="cpu"``."""
        return self.detach().cpu().__reduce_ex__(protocol)


def run(operator: Any, *args: Any, **kwargs: Any) -> Any:
    """One operator, on the CPU tensors behind its arguments."""
    given = leaves((*args, *kwargs.values()))
    places, draws, pointwise = facts(operator)
    written = leaves([args[i] if i < len(args) else kwargs.get(name) for i, name in places])
    refuse_several_devices(operator, args, given, written, pointwise)
    there = any(isinstance(each, Held) for each in given)
    if kwargs.get("device") is not None:
        there = kwargs["device"].type == NAME
        kwargs = {**kwargs, "device": torch.device("cpu")}
    behind_args = mapped(behind, args), {name: mapped(behind, each) for name, each in kwargs.items()}
    result = drawn(operator, *behind_args) if draws else operator(*behind_args[0], **behind_args[1])
    for each in written:
        follow(each)
    targets = {id(behind(each)): each for each in written}
    return mapped(lambda each: targets[id(each)] if id(each) in targets else held(each), result) if there else result


@cache
def facts(operator: Any) -> tuple[list[tuple[int, str]], bool, bool]:
    """Places and names of the arguments that it changes, whether it draws, and whether it works value by value."""
    arguments = enumerate(operator._schema.arguments)
    places = [(i, each.name) for i, each in arguments if each.alias_info is not None and each.alias_info.is_write]
    return places, torch.Tag.nondeterministic_seeded in operator.tags, torch.Tag.pointwise in operator.tags


def copy_from(source: Tensor, target: Tensor, non_blocking: bool = False) -> Tensor:
    behind(target).copy_(behind(source))
    return target


def held(result: Tensor) -> Held:
    """In inference mode too an ordinary tensor, where the CPU's is one: ``detach`` of an ordinary one makes such."""
    if result.dtype in LACKS:
        raise TypeError(f"Cannot convert a tensor to {result.dtype}, which {DEVICE} does not support")
    with torch.inference_mode(result.is_inference()):
        return Held(result)


def follow(written: Tensor) -> None:
    """Size and strides after what is behind, where ``out=``, ``resize_`` or ``t_`` changed them."""
    if isinstance(written, Held):
        found = written.held
        if written.shape != found.shape or written.stride() != found.stride():
            written.data = Held(found)


def refuse_several_devices(
    operator: Any, args: Any, given: list[Tensor], written: list[Tensor], pointwise: bool
) -> None:
    """As CUDA does, which takes numbers (tensors without dimensions) of the CPU where there are two operands, and
    the CPU's indices into its tensors."""
    if operator in BETWEEN_DEVICES:
        return
    strangers = [each for each in given if not isinstance(each, Held)]
    if operator in INDICES_OF_CPU and isinstance(args[0], Held):
        strangers = [each for each in strangers if not any(each is index for index in args[1])]
    if operator in NUMBERS_OF_CPU or (pointwise and len(given) == 2):
        strangers = [each for each in strangers if each.dim() or any(each is target for target in written)]
    if strangers and len(strangers) < len(given):
        raise RuntimeError(f"Expected all tensors to be on the same device, but found cpu and {DEVICE} ({operator})")


def behind(value: Any) -> Any:
    return value.held if isinstance(value, Held) else value


def leaves(values: Iterable[Any]) -> list[Tensor]:
    """The tensors in arguments, and in lists of them."""
    found: list[Tensor] = []
    for value in values:
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, (tuple, list)):
            found += leaves(value)
    return found


def mapped(change: Callable[[Tensor], Any], value: Any) -> Any:
    """An argument or a result with its tensors changed."""
    if isinstance(value, Tensor):
        return change(value)
    return type(value)([mapped(change, each) for each in value]) if type(value) in (tuple, list) else value
