"""A function beside a right one on inputs drawn anew: the same answers, and nothing of the caller's has changed."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from advcourse.grading.checks import fail, leaves_no_trace, no_graph, number, numbers, tensor
from advcourse.grading.critics import double
from advcourse.grading.drawn import Slopes, images_of, labels_of, with_batch_norms

CASES = (
    (torch.float64, (5, 1, 3, 4), 2),
    (torch.float32, (4, 3, 2, 3), 5),
    (torch.float64, (3, 2, 4, 3), 12),
    (torch.float32, (6, 1, 2, 4), 11),
    (torch.float64, (1, 3, 3, 2), 4),
)
"""Precision, shape of the images, and how many classes there are."""

Arguments = Callable[[nn.Module, Tensor, Tensor], tuple]
Wanted = Callable[..., bool]


def matches(
    function: Callable,
    right: Callable,
    arguments: Arguments,
    seed: int | None = None,
    *,
    wanted: Wanted = lambda *given: True,
    near: float = 1e-6,
    kinds: Sequence[int] = range(len(CASES)),
) -> None:
    """The function gives what the right one does, in float64 and float32, for few and many classes.

    Args:
        right: computes image by image, on tensors and models in float64.
        arguments: makes of a model, images and labels what both functions are called with.
        seed: of the inputs; another one each time where it is not given.
        wanted: whether a case will do; called with the arguments and with what is right for them.
        near: how far a number may be off, beside the largest one; a hundred times as far in float32.
        kinds: which of ``CASES``.
    """
    first = _first(seed)
    for kind in kinds:
        for attempt in range(200):
            about, given = _case(kind, arguments, first + 101 * attempt)
            given = tuple(each.eval() if isinstance(each, nn.Module) else each for each in given)  # for modes: spares
            expected = right(*_wide(given))
            if wanted(*_wide(given), expected) and _settled(right, given, expected):
                break
        else:
            raise RuntimeError(f"no case of kind {kind} will do, from seed {first}")
        equals(function(*_copied(given)), expected, f"{_name(function)} {about}", _dtype(given), near)


def spares(function: Callable, arguments: Arguments, seed: int | None = None) -> None:
    """Nothing that is given changes, the model runs in the modes in which it came, and what comes back is new data."""
    first = _first(seed)
    for kind in (0, 1, 4):
        about, given = _case(kind, arguments, first)
        name, own, seen = f"{_name(function)} {about}", _copied(given), list[list[bool]]()
        model = next((each for each in own if isinstance(each, nn.Module)), nn.Module())
        handle = model.register_forward_pre_hook(lambda m, inputs, seen=seen: seen.append(_modes(m)))
        tensors = [each for each in own if isinstance(each, Tensor)]
        buffers, modes = [(each, each.clone()) for each in model.buffers()], _modes(model)
        with leaves_no_trace(name, model, *tensors):
            result = function(*own)
        handle.remove()
        if any(each != modes for each in seen):
            fail(f"{name} ran the model in another mode than it came in: no .train() or .eval(), not even for a while")
        if any(not torch.equal(now, then) for now, then in buffers):
            fail(f"{name} moved a running mean or variance of the model: was its mode switched on the way?")
        if not isinstance(result, Tensor):
            continue
        no_graph(result, name)
        if any(result.data_ptr() == each.data_ptr() for each in tensors):
            fail(f"{name} returned a tensor that it was given, or a view of it; expected a new one")


def halts(function: Callable, going: Callable, arguments: Callable, steps: int, seed: int | None = None) -> None:
    """With one step more an image moves where it is to go on, and only there.

    Args:
        going: of the model, images and labels, which are to go on, ``(N,)``.
        arguments: of the number of steps, what the function is called with after the labels.
    """
    first = _first(seed)
    for kind, (dtype, shape, _) in enumerate(CASES):
        about, (model, x, y) = _case(kind, lambda *given: given, first)
        model.eval()  # for modes: spares
        before = x
        for k in range(1, steps + 1):
            result = function(*_copied((model, x, y)), *arguments(k))
            after = tensor(result, f"{_name(function)} {about}", shape=shape, dtype=dtype)
            with torch.no_grad():
                two = model(before).topk(2, dim=1).values
                active = going(model, before, y)
            free = ((before > 0) & (before < 1)).flatten(1).any(1)  # others may have nowhere to go
            moved = (after != before).flatten(1).any(1)
            wrong = (moved & ~active | active & free & ~moved) & (two[:, 0] - two[:, 1] > 1e-3)
            if wrong.any():
                n = int(wrong.nonzero()[0])
                told = "should go on but did not move" if active[n] else "is done but moved"
                fail(f"{_name(function)} {about} image {n} {told} in step {k}")
            before = after


def holds(function: Callable, right: Callable, arguments: Arguments, seed: int | None = None) -> None:
    """``matches`` and ``spares``."""
    matches(function, right, arguments, seed)
    spares(function, arguments, seed)


def equals(result: Any, expected: Tensor | float, name: str, dtype: torch.dtype, near: float = 1e-6) -> None:
    """A result equals the right one up to rounding in its precision; otherwise says where it does not."""
    if not isinstance(expected, Tensor):
        found, right = torch.tensor([number(result, name)]), torch.tensor([expected])
    elif expected.dim() == 1:
        found, right = numbers(result, name, len(expected)), expected
    else:
        finite = bool(expected.isfinite().all())
        found, right = tensor(result, name, shape=expected.shape, dtype=dtype, finite=finite), expected
    found, right = found.double(), right.detach().double()
    known = right[right.isfinite()].abs()
    off = near * (1 if dtype == torch.float64 else 100) * max(1e-3, known.max().item() if len(known) else 0)
    wrong = ~((found - right).abs() <= off) & (found != right)
    if wrong.any():
        place = tuple(wrong.nonzero()[0].tolist())
        where = f" at {place}" if right.numel() > 1 else ""
        fail(f"{name} gives {found[place].item():.5g}{where}, expected {right[place].item():.5g}")


def _case(kind: int, arguments: Arguments, seed: int) -> tuple[str, tuple]:
    dtype, shape, classes = CASES[kind]
    model = _network(kind, shape, classes, seed + 10007 * kind, dtype)
    precision = str(dtype).removeprefix("torch.")
    about = f"on {shape[0]} images of shape {shape[1:]}, {classes} classes, {precision},"
    return about, arguments(model, *_set(model, shape, classes, seed + 10007 * kind))


def _modes(model: nn.Module) -> list[bool]:
    return [module.training for module in model.modules()]


def _first(seed: int | None) -> int:
    if seed is not None:
        return seed
    from advcourse.grading.draws import unseen  # where students work there may be no nbgrader

    return unseen().initial_seed()


def _name(function: Callable) -> str:
    return getattr(function, "__name__", "your function")


def _network(kind: int, shape: tuple[int, ...], classes: int, seed: int, dtype: torch.dtype) -> nn.Module:
    """With frozen running statistics, and answers by its mode; or with frozen weights; or neither."""
    model: nn.Module
    if kind % 2:
        model = with_batch_norms(shape[1:], classes, seed=seed, dtype=dtype)
    else:
        model = Slopes(prod(shape[1:]), classes, scale=0.7 if kind == 2 else 2.0, seed=seed, dtype=dtype)
    model.train(kind < 2)
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.eval()
    *_, last = model.parameters()
    with torch.no_grad():
        last[10:] += 2.5  # so that classes beyond the tenth are predicted
    for parameter in list(model.parameters())[::2] if kind == 4 else []:
        parameter.requires_grad_(False)
    return model


def _set(model: nn.Module, shape: tuple[int, ...], classes: int, seed: int) -> tuple[Tensor, Tensor]:
    """Images, and what the model says they are, but for every fourth."""
    images = images_of(shape, seed, next(model.parameters()).dtype)
    with torch.no_grad():
        said = model(images).argmax(1)
    return images, (said + (labels_of(shape[0], 4) == 3)) % classes


def _settled(right: Callable, given: tuple, at: Any) -> bool:
    """Whether what is right moves no further than the inputs do, where these move by a hair."""
    hair = 1e-9 if _dtype(given) == torch.float64 else 1e-5
    draw = torch.Generator().manual_seed(3)
    moved = [
        (each + hair * torch.rand(each.shape, generator=draw, dtype=each.dtype).sub(0.5)).clamp(0, 1)
        if isinstance(each, Tensor) and each.is_floating_point() and each.min() >= 0 and each.max() <= 1
        else each
        for each in _wide(given)
    ]
    near, there = (torch.as_tensor(each, dtype=torch.float64) for each in (at, right(*moved)))
    finite = near.isfinite() & there.isfinite()
    size = max(1.0, near[finite].abs().max().item()) if finite.any() else 1.0
    far = (near - there)[finite].abs() > 30 * hair * size
    return torch.equal(near[~finite], there[~finite]) and not far.any()


def _wide(given: tuple) -> tuple:
    """Copies in float64."""
    return tuple(
        double(each)
        if isinstance(each, nn.Module)
        else each.double()
        if isinstance(each, Tensor) and each.is_floating_point()
        else each
        for each in _copied(given)
    )


def _copied(given: tuple) -> tuple:
    return tuple(
        copy.deepcopy(each)
        if isinstance(each, nn.Module)
        else each.detach().clone()
        if isinstance(each, Tensor)
        else each
        for each in given
    )


def _dtype(given: tuple) -> torch.dtype:
    return next(each.dtype for each in given if isinstance(each, Tensor) and each.is_floating_point())
