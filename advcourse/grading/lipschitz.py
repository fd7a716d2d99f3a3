"""Checks of how far a layer can stretch, of a critic that is held to a bound, and of two numbers for its steepness."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from advcourse.grading.checks import fail, leaves_no_trace, no_graph, number, value
from advcourse.grading.critics import double, exact_slopes


def operator_of(layer: nn.Module, shape: Sequence[int]) -> Tensor:
    """The linear part of a layer as a matrix, from what it makes of every unit vector; float64."""
    exact = double(layer)
    with torch.no_grad():
        units = torch.eye(math.prod(shape), dtype=torch.float64).view(-1, *shape)
        return (exact(units) - exact(torch.zeros_like(units[:1]))).flatten(1).T


def stretch(layer: nn.Module, shape: Sequence[int]) -> float:
    """The largest singular value."""
    return torch.linalg.matrix_norm(operator_of(layer, shape), 2).item()


def iterated(linear: Tensor, start: Tensor, steps: int) -> float:
    """``‖A v‖ / ‖v‖`` after that many steps ``v ← Aᵀ A v``."""
    v = start.double().flatten()
    for _ in range(steps):
        v = linear.T @ (linear @ v)
        if not v.any():
            return 0.0
        v = v / v.norm()
    return ((linear @ v).norm() / v.norm()).item()


# -- one layer


def stretches(function: Callable, layer: nn.Linear | nn.Conv2d, start: Tensor, steps: int) -> None:
    """The estimate of the spectral norm of a layer after a given number of steps from a given start."""
    name = f"{function.__name__}({_called(layer)}, …, {steps})"
    given, grad = start.clone(), layer.weight.grad
    assert grad is None
    with leaves_no_trace(name, layer, given):
        result = function(layer, given, steps)
    if isinstance(result, Tensor):
        no_graph(result, name)
    found, weight = number(result, name, nan=True), layer.weight.detach().double()
    linear = operator_of(layer, start.shape[1:])
    if not math.isfinite(found):
        fail(f"{name} gives {found}: take the length off v in every step, and mind a layer that is zero")
    right = iterated(linear, start, steps)
    v = start.double().flatten()
    for _ in range(steps):
        v = linear.T @ (linear @ v)
        v = v / v.norm().clamp_min(1e-300)
    with torch.no_grad():
        whole = double(layer)((v / v.norm().clamp_min(1e-300)).view(start.shape)).norm().item()
    flat = weight.flatten(1)
    mistakes = {
        "the bias has a part in it: a shift stretches nothing": whole,
        "that is the exact norm, expected what power iteration has come to": torch.linalg.matrix_norm(linear, 2).item(),
        "that is after one step less": iterated(linear, start, max(steps - 1, 0)),
        "that is after one step more": iterated(linear, start, steps + 1),
        "that is the Frobenius norm": linear.norm().item(),
        "that is the Frobenius norm of the weights": weight.norm().item(),
        "that is its square: ‖Aᵀ A v‖ comes to σ²": right**2,
        "that is ‖v‖² / ‖A v‖, or its like": 1 / right if right else 0.0,
        "that is of the kernel as a matrix; a convolution is the map from images to images": torch.linalg.matrix_norm(
            flat, 2
        ).item(),
        "that is of the kernel as a matrix, iterated; a convolution maps images to images": _of_kernel(flat, steps),
        "v is not of length one": right * start.double().norm().item(),
        "that is the largest weight": weight.abs().max().item(),
        "that is the largest sum over a row": linear.abs().sum(1).max().item(),
    }
    if linear.shape[0] == linear.shape[1]:
        v = start.double().flatten()
        for _ in range(steps):
            v = linear @ v / (linear @ v).norm().clamp_min(1e-300)
        mistakes["A is applied twice, expected A and then its transpose"] = (linear @ v).norm().item()
    _number(found, right, name, mistakes, layer.weight.dtype)


def _number(found: float, right: float, name: str, mistakes: dict[str, float], dtype: torch.dtype) -> None:
    near = 1e-7 if dtype == torch.float64 else 2e-4
    if math.isclose(found, right, rel_tol=near, abs_tol=1e-7):
        return
    apart = {why: wrong for why, wrong in mistakes.items() if not math.isclose(wrong, right, rel_tol=2 * near)}
    value(found, right, name, apart)


def _of_kernel(flat: Tensor, steps: int) -> float:
    """Long iteration on the kernel as a matrix."""
    return iterated(flat, torch.ones(flat.shape[1]), max(steps, 50))


def _called(layer: nn.Module) -> str:
    if isinstance(layer, nn.Conv2d):
        return f"Conv2d({layer.in_channels}, {layer.out_channels}, {layer.kernel_size[0]}, stride={layer.stride[0]})"
    return f"Linear({layer.in_features}, {layer.out_features})" if isinstance(layer, nn.Linear) else "layer"


# -- a critic


def _not_seeded_again(generator: torch.Generator, seed: int, name: str) -> None:
    if generator.initial_seed() != seed:
        fail(f"{name} seeds the generator again: whoever gave it has seeded it")


def layers(critic: nn.Sequential, shape: Sequence[int]) -> list[tuple[nn.Linear | nn.Conv2d, tuple[int, ...]]]:
    """The linear layers of a critic, each with the shape of what comes in."""
    found, x = [], torch.zeros(1, *shape, dtype=next(critic.parameters()).dtype)
    with torch.no_grad():
        for layer in critic:
            if isinstance(layer, nn.Linear | nn.Conv2d):
                found.append((layer, tuple(x.shape[1:])))
            x = layer(x)
    return found


def projects(
    function: Callable, critic: nn.Sequential, shape: Sequence[int], bound: float, steps: int = 200, seed: int = 0
) -> None:
    """Layers that stretch by more than the bound are scaled down to it; all else stays bit by bit."""
    name = f"{function.__name__}, bound = {bound:g}"
    before, modes = copy.deepcopy(critic), [m.training for m in critic.modules()]
    held, wanted = list(critic.parameters()), [p.requires_grad for p in critic.parameters()]
    generator, state = torch.Generator().manual_seed(seed + 1), torch.get_rng_state()
    function(critic, tuple(shape), bound, steps, generator)
    _not_seeded_again(generator, seed + 1, name)
    if not torch.equal(state, torch.get_rng_state()):
        fail(f"{name} draws from PyTorch's global random numbers: hand `generator=generator` to torch.randn")
    now = list(critic.parameters())
    if len(now) != len(held) or any(a is not b for a, b in zip(now, held, strict=True)):
        fail(f"{name}: a parameter was replaced by another: an optimiser holds the old one. Change weights in place")
    if [p.requires_grad for p in now] != wanted or any(p.grad is not None or not p.is_leaf for p in now):
        fail(f"{name} leaves a trace in requires_grad, .grad or a graph: work in torch.no_grad()")
    if [m.training for m in critic.modules()] != modes:
        fail(f"{name} switched a layer between train and eval mode")
    for i, ((layer, size), (old, _)) in enumerate(zip(layers(critic, shape), layers(before, shape), strict=True)):
        _held(f"{name}: layer {i} of those with weights, {_called(layer)}", layer, old, size, bound)


def _held(
    which: str, layer: nn.Linear | nn.Conv2d, old: nn.Linear | nn.Conv2d, size: tuple[int, ...], bound: float
) -> None:
    if layer.bias is not None and not torch.equal(layer.bias, old.bias):  # type: ignore[arg-type]
        fail(f"{which}: its bias has changed: a shift stretches nothing")
    was, now = stretch(old, size), stretch(layer, size)
    if was < 0.98 * bound:
        if not torch.equal(layer.weight, old.weight):
            fail(f"{which}, stretches by {was:.3f}, less than {bound:g}, and is to stay as it is; now it is {now:.3f}")
        return
    kernel = torch.linalg.matrix_norm(old.weight.flatten(1).double(), 2).item()
    told = f"{which}, stretched by {was:.3f}, and now by {now:.3f}; expected {bound:g}"
    if abs(now - bound) > 5e-3 * bound:
        if math.isclose(now, was, rel_tol=1e-6):
            fail(f"{told}: its weights have not changed")
        for why, by in {
            "divided by its Frobenius norm": operator_of(old, size).norm().item(),
            "divided by the Frobenius norm of its weights": old.weight.double().norm().item(),
            "divided by the norm of its kernel as a matrix": kernel,
            "divided by σ, not by σ / bound": was * bound,
        }.items():
            if math.isclose(now, bound * was / by, rel_tol=5e-3):
                fail(f"{told}: it was {why}")
        fail(told)
    if not torch.allclose(layer.weight * (was / now), old.weight, rtol=1e-3, atol=1e-5):
        fail(f"{told}: all of its weights are to be divided by one number")


def steepness(function: Callable, critic: nn.Sequential, points: Tensor, steps: int = 200, seed: int = 0) -> None:
    """The largest slope at the points, and the product of the spectral norms."""
    name, given = function.__name__, points.clone()
    generator, state = torch.Generator().manual_seed(seed + 1), torch.get_rng_state()
    with leaves_no_trace(name, critic, given):
        result = function(critic, given, steps, generator)
    _not_seeded_again(generator, seed + 1, name)
    if not torch.equal(state, torch.get_rng_state()):
        fail(f"{name} draws from PyTorch's global random numbers: hand `generator=generator` to torch.randn")
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        fail(f"{name} should return two numbers, the lower and the upper one")
    for each in result:
        if isinstance(each, Tensor):
            no_graph(each, name)
    lower, upper = (number(each, f"{name} ({word})") for each, word in zip(result, ("lower", "upper"), strict=True))
    slope = exact_slopes(double(critic), points.double()).detach()
    rows, held = slope.flatten(1), layers(critic, points.shape[1:])
    norms, each = rows.norm(dim=1), [stretch(layer, size) for layer, size in held]
    linear = [norm for norm, (layer, _) in zip(each, held, strict=True) if isinstance(layer, nn.Linear)]
    sizes = [operator_of(layer, size).norm().item() for layer, size in held]
    if math.isclose(lower, math.prod(each), rel_tol=1e-3) and not math.isclose(lower, upper, rel_tol=1e-3):
        fail(f"{name}: lower and upper are exchanged")
    _number(
        lower,
        norms.max().item(),
        f"{name} (lower)",
        {
            "that is the mean slope, expected the largest": norms.mean().item(),
            "that is the smallest slope": norms.min().item(),
            "one norm was taken over all points": rows.norm().item(),
            "the scores are averaged before they are differentiated": norms.max().item() / len(points),
            "that is the largest derivative with respect to one pixel": rows.abs().max().item(),
            "that is the norm of the sum of the slopes": rows.sum(0).norm().item(),
            "the norm is squared": norms.max().item() ** 2,
        },
        points.dtype,
    )
    right = math.prod(each)
    if not math.isclose(upper, right, rel_tol=2e-3):
        mistakes = {
            "that is the sum over the layers: what one layer stretches the next stretches again": sum(each),
            "that is the largest of the layers": max(each),
            "that is the last layer's alone": each[-1],
            "that is a product of Frobenius norms": math.prod(sizes),
            "that is a product over the linear layers alone, without convolutions": math.prod(linear),
        }
        value(upper, right, f"{name} (upper)", {why: v for why, v in mistakes.items() if not math.isclose(v, right)})
