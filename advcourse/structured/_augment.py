"""Structured perturbations as data augmentation: each image changed the way that raises its loss, then trained on."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from advcourse.core.running import Model, detached
from advcourse.core.validation import check_above, check_at_least, check_flag, check_inputs
from advcourse.core.warps import warp
from advcourse.structured._ascent import one_step, scaled
from advcourse.structured._basis_cache import BasisCache
from advcourse.structured._flow import flow_field
from advcourse.structured._recolor import basis_operator
from advcourse.training import Loss, standard_loss

Perturb = Callable[[Model, Tensor, Tensor], Tensor]


def augmented(
    perturb: Perturb | None = None,
    augment: Callable[[Tensor], Tensor] | None = None,
    loss: Loss = standard_loss,
) -> Loss:
    """The loss of images that are perturbed, then augmented: ``ℓ(f_θ(a(p_θ(x, y))), y)``.

    A loss for ``training.fit``. The structured perturbation p comes first, on the image as it is in the
    data: there a cached basis is its own, and what follows (a crop, a policy of torchvision) moves the result as any
    other image. No gradient flows through p.

    Args:
        perturb: ``(model, images, labels) -> images``: ``flow_step`` or ``recolor_step`` with their settings
            (``functools.partial``), their controls ``random_flow_step`` and ``random_recolor_step``, or an attack;
            None for none.
        augment: ``images -> images``, drawing from torch's global generators: ``training.random_crop``,
            ``training.image_by_image``; None for none.
        loss: of the images that come out.

    Source: Luo, Mobahi & Bengio 2020, arXiv:2011.03010; the deck "Differential Operators for Structured Adversarial
    Examples" (H. Mobahi), the table of experiments.
    """

    def mean(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
        if perturb:
            images = perturb(model, images, labels)
        if augment:
            images = augment(images)
        return loss(model, images, labels)

    return mean


def flow_step(
    model: Model, images: Tensor, labels: Tensor, *, gamma: float, max_displacement: float, uniform: bool = False
) -> Tensor:
    """Each image warped once along the smooth field that raises its loss; one forward and one backward pass.

    ``flow`` of one step without its last forward pass, which would only find the images whose loss did not rise.

    Args:
        model: maps images to logits ``(N, K)``; runs in the mode it is in, training mode in training.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``.
        gamma: smoothness of the field, in squared pixels.
        max_displacement: how far the pixel that moves most moves, in pixels (Euclidean).
        uniform: draw that length for each image uniformly from [0, ``max_displacement``], by torch's global generator.

    Returns:
        Images ``(N, C, H, W)`` in [0, 1], without a graph.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: as ``augmented``; the uniform lengths are ours.
    """
    check_inputs(model, images, labels)
    check_at_least(0, gamma=gamma, max_displacement=max_displacement)
    check_flag(uniform=uniform)
    images = detached(images)
    field = one_step(
        model,
        images,
        labels,
        length=_lengths(images, max_displacement, uniform),
        vectors=True,
        operator=lambda gradient, x: flow_field(gradient, x, gamma=gamma),
    )
    with torch.no_grad():
        return warp(images, field)


def recolor_step(
    model: Model,
    images: Tensor,
    labels: Tensor,
    *,
    bases: BasisCache,
    strength: float,
    rho: float = 10.0,
    alpha: float = 1.0,
    uniform: bool = False,
) -> Tensor:
    """Each image recoloured once within its cached basis so that its loss rises; one forward and one backward pass.

    ``recolor`` of one step without its last forward pass.

    Args:
        model: maps images to logits ``(N, K)``; runs in the mode it is in, training mode in training.
        images: ``(N, C, H, W)`` in [0, 1], of those that the cache was made of, unchanged.
        labels: int64 ``(N,)``.
        bases: their eigenbases.
        strength: the largest change of a channel of a pixel, in units of [0, 1].
        rho, alpha: of the operator, as in ``recolor_operator``.
        uniform: draw that length for each image uniformly from [0, ``strength``], by torch's global generator.

    Returns:
        Images ``(N, C, H, W)`` in [0, 1], without a graph.

    Raises:
        ValueError: for bad input, images that the cache does not know among them; the message names the argument.

    Source: as ``augmented``; the uniform lengths are ours.
    """
    images, operator = _recolouring(model, images, labels, bases, strength, rho, alpha, uniform)
    change = one_step(
        model,
        images,
        labels,
        length=_lengths(images, strength, uniform),
        vectors=False,
        operator=lambda gradient, x: operator(gradient),
    )
    return (images + change).clamp_(0, 1)


def random_flow_step(
    model: Model, images: Tensor, labels: Tensor, *, gamma: float, max_displacement: float, uniform: bool = False
) -> Tensor:
    """The control of ``flow_step``: each image warped along a smooth field that knows nothing of the network.

    The field is ``flow_field`` of white noise in place of the gradient, of the same smoothness and scaled to the same
    length. What it draws comes from torch's global generators, which ``training.fit`` sets for every step from its
    seed. No pass through the model.

    Args:
        model: not asked.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``; not used.
        gamma, max_displacement, uniform: as in ``flow_step``.

    Returns:
        Images ``(N, C, H, W)`` in [0, 1], without a graph.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: ours.
    """
    check_inputs(model, images, labels)
    check_at_least(0, gamma=gamma, max_displacement=max_displacement)
    check_flag(uniform=uniform)
    images = detached(images)
    field = flow_field(torch.randn_like(images), images, gamma=gamma)
    with torch.no_grad():
        return warp(images, scaled(field, _lengths(images, max_displacement, uniform), vectors=True))


def random_recolor_step(
    model: Model,
    images: Tensor,
    labels: Tensor,
    *,
    bases: BasisCache,
    strength: float,
    rho: float = 10.0,
    alpha: float = 1.0,
    uniform: bool = False,
) -> Tensor:
    """The control of ``recolor_step``: each image recoloured within its cached basis, at random.

    The operator is applied to white noise in place of the gradient, and the change scaled to the same strength. Drawn
    as in ``random_flow_step``; no pass through the model.

    Args:
        model: not asked.
        images: ``(N, C, H, W)`` in [0, 1], of those that the cache was made of, unchanged.
        labels: int64 ``(N,)``; not used.
        bases, strength, rho, alpha, uniform: as in ``recolor_step``.

    Returns:
        Images ``(N, C, H, W)`` in [0, 1], without a graph.

    Raises:
        ValueError: for bad input, images that the cache does not know among them; the message names the argument.

    Source: ours.
    """
    images, operator = _recolouring(model, images, labels, bases, strength, rho, alpha, uniform)
    with torch.no_grad():
        change = scaled(operator(torch.randn_like(images)), _lengths(images, strength, uniform), vectors=False)
        return (images + change).clamp_(0, 1)


def _recolouring(
    model: Model,
    images: Tensor,
    labels: Tensor,
    bases: BasisCache,
    strength: float,
    rho: float,
    alpha: float,
    uniform: bool,
) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """The images, checked with everything else and without a graph, and the operator of their cached bases."""
    check_inputs(model, images, labels)
    check_at_least(0, strength=strength, rho=rho)
    check_flag(uniform=uniform)
    check_above(0, alpha=alpha)
    if not isinstance(bases, BasisCache):
        raise ValueError(f"bases is a {type(bases).__name__}, expected the BasisCache of cache_eigenbases")
    images = detached(images)
    return images, basis_operator(bases.of(images), rho=rho, alpha=alpha)


def _lengths(images: Tensor, longest: float, uniform: bool) -> float | Tensor:
    if not uniform:
        return longest
    return longest * torch.rand(len(images), 1, 1, 1, dtype=images.dtype, device=images.device)
