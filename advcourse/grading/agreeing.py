"""A student's function beside a right one, on arguments of several shapes, precisions and sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from advcourse.grading.checks import fail, no_graph, tensor

SHARE = {torch.float64: 1e-6, torch.float32: 2e-4, torch.int64: 0.0}
"""What rounding may take, as a share of the largest number that is expected."""


def gives(
    function: Callable, right: Callable, calls: Iterable[tuple], name: str, *, box: bool = False, share: float = 1.0
) -> None:
    """``function(*arguments)`` is ``right(*arguments)`` for all ``calls``, and leaves its arguments as they are.

    The result is new: it carries no graph and shares no memory with an argument. ``right`` gets copies.

    Args:
        function: returns a tensor, or a tuple of tensors where ``right`` does.
        right: gives what is expected, in the precision of its arguments.
        calls: tuples of arguments, tensors among them.
        box: the results are images in [0, 1].
        share: how many times as much as ``SHARE`` is allowed.
    """
    for arguments in calls:
        given = [a for a in arguments if isinstance(a, Tensor)]
        before = [a.detach().clone() for a in given]
        required = [a.requires_grad for a in given]
        asked = f"{name}({', '.join(_words(a) for a in arguments)})"
        expected = right(*[a.detach().clone() if isinstance(a, Tensor) else a for a in arguments])
        results = function(*arguments)
        several = isinstance(expected, tuple)
        if several and (not isinstance(results, (tuple, list)) or len(results) != len(expected)):
            fail(f"{asked} should return {len(expected)} tensors")
        for result, wanted in zip(results, expected, strict=True) if several else [(results, expected)]:
            if type(result) is Tensor:
                no_graph(result, asked)
                memory = result.untyped_storage().data_ptr()
                if result.numel() and any(memory == a.untyped_storage().data_ptr() for a in given):
                    fail(f"{asked} returned the memory of what it was given: return a new tensor")
            number = tensor(result, asked, shape=wanted.shape, dtype=wanted.dtype, images=bool(given))
            _equal(number, wanted, asked, share)
            if box and not 0 <= number.min() <= number.max() <= 1:
                fail(f"{asked} leaves [0, 1]")
        asks = any(isinstance(a, nn.Module) for a in arguments)  # what is left behind then is for another test
        if not asks and [a.requires_grad for a in given] != required:
            fail(f"{asked} left requires_grad set on the caller's tensor: work on a copy")
        if any(not torch.equal(a.detach(), b) for a, b in zip(given, before, strict=True)):
            fail(f"{asked} overwrote its input: the caller's tensor changed. Work on a copy")


def _equal(result: Tensor, expected: Tensor, asked: str, share: float) -> None:
    if not expected.numel():
        return
    scale = max(expected.abs().max().item(), 1e-300)
    off = (result.double() - expected.double()).abs()
    if off.max() <= share * SHARE[expected.dtype] * scale:
        return
    place = tuple(int(i) for i in torch.unravel_index(off.argmax(), off.shape))
    fail(f"{asked} gives {result[place].item():.6g} at {place}, expected {expected[place].item():.6g}")


def _words(argument: Any) -> str:
    if isinstance(argument, Tensor):
        return f"{str(argument.dtype)[6:]} {tuple(argument.shape)}"
    if isinstance(argument, bool | int | float):
        return f"{argument:g}" if not isinstance(argument, bool) else str(argument)
    return "…"
