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
        transform: ``(images[, generator]) -> images``; it need not be differentiable.
        backward: g, the same way, differentiable; the identity where it is not given. If both draw they see the
            same draws: the generator, or the global random state, is as ``transform`` found it.

    Returns:
        ``(images[, generator]) -> images``.

    Raises:
        ValueError: for what cannot be called; when it is applied, where the transform changes the images' shape and
            ``backward`` is not given, where ``backward`` returns another shape than the transform, or none that
            depends on the images by a graph.

    Source: Athalye, Carlini & Wagner 2018, arXiv:1802.00420, sections 4.1.1 (straight-through, the identity) and 4.1.2
    (any approximation).
    """
    check_callable(transform=transform)
    if backward is not None:
        check_callable(backward=backward)
    forth, back = _taking_generator(transform), None if backward is None else _taking_generator(backward)

    def approximated(images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        differentiated = torch.is_grad_enabled() and images.requires_grad
        stand_in = images
        if back is not None and differentiated:
            before = None if generator is None else generator.get_state()
            with forked(images.device):
                stand_in = back(images, generator)
            if generator is not None and before is not None:
                generator.set_state(before)
        with torch.no_grad():
            seen = forth(images.detach().clone(), generator)
        if not isinstance(seen, Tensor):
            raise ValueError(f"transform returned a {type(seen).__name__}, expected a tensor (N, C, H, W)")
        if differentiated or back is None:
            _check_stand_in(stand_in, images, seen)
        return _Replaced.apply(stand_in, seen) if differentiated else seen

    return approximated


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


def _taking_generator(transform: Callable[..., Tensor]) -> Transform:
    """The transform; where it takes images alone, one that is handed a generator beside them."""
    function = transform.forward if isinstance(transform, nn.Module) else transform
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # torch's own functions have no signature
        parameters = []
    second = [parameter for parameter in parameters[1:2] if parameter.default is parameter.empty]
    if second or any(parameter.name == "generator" for parameter in parameters):
        return transform
    return lambda images, generator: transform(images)


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
