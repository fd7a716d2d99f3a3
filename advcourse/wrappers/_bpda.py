"""Backward pass differentiable approximation: a transform as it is, differentiated as another one."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from advcourse.core.running import forked
from advcourse.core.validation import check_callable
from advcourse.wrappers._transforms import Transform


def bpda(transform: Callable[..., Tensor], backward: Callable[..., Tensor] | None = None) -> Transform:
    """A transform whose gradient is that of another: backward pass differentiable approximation.

    With t the transform and g the approximation::

        forward   v = t(x)
        backward  ∂v/∂x := ∂g/∂x (x)

    Rounding, compression or a detour through NumPy have no useful gradient, and what stands in front of a network
    with them looks robust to every attack that follows one. Where t(x) ≈ x the identity serves as g. It is a gradient
    for whatever attack, no attack of its own: ``pgd(lambda x: network(t(x)), …)`` becomes
    ``pgd(lambda x: network(bpda(t)(x)), …)``, and where t is random ``eot(network, bpda(t), samples)``. Only the
    transform is wrapped, never the network.

    Args:
        transform: ``(images[, generator]) -> images``; it need not be differentiable. The generator goes to the
            parameter of that name or, where there is none, to a second one without a default.
        backward: g, the same way, differentiable; the identity where it is not given. If both draw they see the
            same draws: the generator, or the global random state, is as ``transform`` found it.

    Returns:
        ``(images[, generator]) -> images``.

    Raises:
        ValueError: for what cannot be called so; when it is applied, for what are no images or no generator, where
            either returns another precision than the images', where the transform changes the images' shape and
            ``backward`` is not given, where ``backward`` returns another shape than the transform, or none that
            depends on the images by a graph.

    Source: Athalye, Carlini & Wagner 2018, arXiv:1802.00420, sections 4.1.1 (straight-through, the identity) and 4.1.2
    (any approximation).
    """
    check_callable(transform=transform)
    if backward is not None:
        check_callable(backward=backward)
    forth = _taking_generator("transform", transform)
    back = None if backward is None else _taking_generator("backward", backward)

    def approximated(images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        _check_applied(images, generator)
        differentiated = torch.is_grad_enabled() and images.requires_grad
        stand_in = images
        if back is not None and differentiated:
            before = None if generator is None else generator.get_state()
            with forked(images.device):
                stand_in = back(images, generator)
            _check_returned("backward", stand_in, images)
            if generator is not None and before is not None:
                generator.set_state(before)
        with torch.no_grad():
            seen = forth(images.detach().clone(), generator)
        _check_returned("transform", seen, images)
        if differentiated or back is None:
            _check_stand_in(stand_in, images, seen)
        return _Replaced.apply(stand_in, seen) if differentiated else seen

    return approximated


def _check_applied(images: Tensor, generator: torch.Generator | None) -> None:
    """Floating-point images, which torch.func's transforms may hold, and a generator or none."""
    if not isinstance(images, Tensor):
        raise ValueError(f"images is a {type(images).__name__}, expected a tensor (N, C, H, W)")
    if not images.is_floating_point():
        raise ValueError(f"images has dtype {images.dtype}, expected floating point in [0, 1]: divide bytes by 255")
    if generator is not None and not isinstance(generator, torch.Generator):
        raise ValueError(f"generator is a {type(generator).__name__}, expected a torch.Generator or None")


def _check_returned(name: str, returned: Tensor, images: Tensor) -> None:
    """A tensor on the images' device, in their precision; under autocast in any."""
    if not isinstance(returned, Tensor):
        raise ValueError(f"{name} returned a {type(returned).__name__}, expected a tensor (N, C, H, W)")
    lowered = returned.is_floating_point() and torch.is_autocast_enabled(images.device.type)
    if returned.device != images.device or (returned.dtype != images.dtype and not lowered):
        came, expected = (f"{each.dtype} on {each.device}" for each in (returned, images))
        raise ValueError(f"{name} returned {came}, expected {expected}, as the images")


def _check_stand_in(stand_in: Tensor, images: Tensor, seen: Tensor) -> None:
    """Of the shape that it stands in for, and with a graph where the images have one."""
    came, expected = tuple(stand_in.shape), tuple(seen.shape)
    if came != expected and stand_in is images:
        raise ValueError(
            f"transform returned {expected}, expected {came}, the images' shape: for another give backward, since the "
            "identity stands in where it is not given"
        )
    if came != expected:
        raise ValueError(f"backward returned {came}, expected {expected}, which transform returns")
    if images.requires_grad and not stand_in.requires_grad:
        raise ValueError("backward returned images without a graph to those it was given, expected differentiable ones")


def _taking_generator(name: str, transform: Callable[..., Tensor]) -> Transform:
    """The transform, handed the generator where it takes one: by name, or else as ``eot`` does, in the second place."""
    function = transform.forward if isinstance(transform, nn.Module) else transform
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # torch's own functions have no signature
        return lambda images, generator: transform(images)
    others = list(signature.parameters.values())[1:]
    named = [each for each in others if each.name == "generator" and each.kind in _BY_NAME]
    placed = [] if named else [each for each in others[:1] if each.kind in _BY_PLACE and _is_generator(each)]
    try:
        signature.bind(None, *placed, **dict.fromkeys(each.name for each in named))
    except TypeError as error:
        raise ValueError(f"{name} takes {signature}, expected (images[, generator])") from error

    def taking(images: Tensor, generator: torch.Generator | None) -> Tensor:
        takes = named or placed
        if not takes or (generator is None and takes[0].default is not takes[0].empty):
            return transform(images)  # a default may be a generator that functools.partial has bound
        return transform(images, generator=generator) if named else transform(images, generator)

    return taking


_BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_BY_PLACE = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def _is_generator(second: inspect.Parameter) -> bool:
    """By its name; or it has no default, and no annotation that says otherwise."""
    annotated = second.annotation is second.empty or "Generator" in str(second.annotation)
    return second.name == "generator" or (second.default is second.empty and annotated)


class _Replaced(torch.autograd.Function):
    """The values of the second with the gradient of the first."""

    generate_vmap_rule = True

    @staticmethod
    def forward(stand_in: Tensor, seen: Tensor) -> Tensor:
        return seen.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient, None
