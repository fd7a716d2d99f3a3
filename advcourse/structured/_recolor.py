"""Recolouring as a linear operator: colours changed where the contours allow it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from advcourse.core.running import Model, detached
from advcourse.core.validation import (
    check_above,
    check_at_least,
    check_callable,
    check_choice,
    check_count,
    check_gradient,
    check_images,
    check_inputs,
)
from advcourse.structured._ascent import climb
from advcourse.structured._eigenbasis import Basis
from advcourse.structured._photometric import Photometric
from advcourse.structured._solvers import factor, pcg

SOLVERS = ("cg", "lu")


def recolor_operator(
    images: Tensor,
    *,
    lam: float = 0.0,
    rho: float = 10.0,
    alpha: float = 1.0,
    weight: str = "strength",
    floor: float = 0.05,
    solver: str | None = None,
    tolerance: float = 1e-5,
) -> Callable[[Tensor], Tensor]:
    """The linear map from a loss gradient g to the change of colours that raises the loss fastest for its cost.

    The map is::

        ż = argmax_z  gᵀz - α/2 ‖z‖² - λ/2 ‖A z‖² - ρ/2 Σ_c z_cᵀ L_w z_c
          = (α I + λ AᵀA + ρ I_C ⊗ L_w)⁻¹ g

    with A and ``L_w`` of ``Photometric``, of these images. The deck has the term in λ alone, and inverts M = AᵀA,
    which is singular: without α/2 ‖z‖² there is no maximum. ``rho=0`` is the deck's operator so repaired, by Woodbury
    one system in as many unknowns as there are pixels::

        ż = (1/α) [g - Aᵀ ((α/λ) I + AAᵀ)⁻¹ A g]

    of which α ż as α → 0 is the projection on the null space of A: for three channels two thirds of all dimensions,
    and everything where the image is flat. ``lam=0``, the default, keeps the deck's intent instead, that colours may
    change as a whole but not inside a region: one system of that size with a right-hand side for each channel. Built
    once, the map serves any model.

    Args:
        images: ``(N, C, H, W)`` in [0, 1].
        lam: λ ≥ 0, the price of a change in edge strength, as the deck has it.
        rho: ρ ≥ 0, the price of unevenness away from edges.
        alpha: α > 0, the price of change.
        weight: ``"norm"`` or ``"strength"``, as in ``Photometric``.
        floor: added in squares to the edges there.
        solver: ``"cg"`` (preconditioned conjugate gradients on the images' device, matrix-free) or ``"lu"`` (a
            sparse factor of each image on the CPU, kept for every gradient to come); ``"lu"`` for images on the CPU
            and ``"cg"`` elsewhere, where it is not given. Both work in float64 where the device has it: smooth
            images have large weights, which cost float32 a digit.
        tolerance: relative residual at which ``"cg"`` stops.

    Returns:
        ``(N, C, H, W) -> (N, C, H, W)``.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: the deck "Differential Operators for Structured Adversarial Examples" (H. Mobahi), equations 42 to 48;
    α and ρ are ours.
    """
    check_images(images)
    check_at_least(0, lam=lam, rho=rho)
    check_above(0, alpha=alpha, tolerance=tolerance)
    solver = ("lu" if images.device.type == "cpu" else "cg") if solver is None else solver
    check_choice("solver", solver, SOLVERS)
    with torch.no_grad():
        parts = Photometric(images if images.device.type == "mps" else images.double(), weight, floor)
        solve = _by_factors if solver == "lu" else partial(_by_gradients, tolerance=tolerance)
        solution = solve(parts, lam, rho, alpha)

    def recolored(gradient: Tensor) -> Tensor:
        check_gradient(gradient, images)
        with torch.no_grad(), torch.autocast(images.device.type, enabled=False):
            return solution(gradient.detach().to(parts.weights.dtype)).to(images.dtype)

    return recolored


def _by_gradients(
    parts: Photometric, lam: float, rho: float, alpha: float, tolerance: float
) -> Callable[[Tensor], Tensor]:
    rows, columns, smooth = parts.diagonals()
    if lam == 0:
        solve = partial(pcg, lambda z: alpha * z + rho * parts.smooth(z), alpha + rho * smooth, dims=(2, 3))
        return partial(solve, tolerance=tolerance)
    if rho == 0:

        def woodbury(gradient: Tensor) -> Tensor:
            def apply(u: Tensor) -> Tensor:
                return (alpha / lam) * u + parts.edges(parts.edges_adjoint(u))

            b = parts.edges(gradient)
            # A residual r of this system is one of lam / alpha Aᵀr in z; AAᵀ has up to seven entries in a row.
            size, shorter = (t.flatten(1).norm(dim=1)[:, None, None, None] for t in (gradient, b))
            most = lam / alpha * (7 * rows.amax((2, 3), keepdim=True)).sqrt() * shorter
            strict = tolerance * (size / most).nan_to_num(1).clamp_max(1)
            u = pcg(apply, alpha / lam + rows, b, dims=(2, 3), tolerance=strict)
            return (gradient - parts.edges_adjoint(u)) / alpha

        return woodbury

    def both(z: Tensor) -> Tensor:
        return alpha * z + lam * parts.edges_adjoint(parts.edges(z)) + rho * parts.smooth(z)

    return partial(pcg, both, alpha + lam * columns + rho * smooth, dims=(1, 2, 3), tolerance=tolerance)


def _by_factors(parts: Photometric, lam: float, rho: float, alpha: float) -> Callable[[Tensor], Tensor]:
    count, channels = parts.x.shape[:2]
    pixels = parts.weights[0].numel()
    identity = sparse.eye_array(pixels)
    solvers: list[Callable[..., np.ndarray]] = []
    for i in range(count):
        a, smooth = parts.matrices(i)
        if lam == 0:
            factors = factor(alpha * identity + rho * smooth)
            solvers.append(lambda g, factors=factors: factors.solve(g.T.copy()).T)
        elif rho == 0:
            factors = factor(alpha / lam * identity + a @ a.T)
            solvers.append(lambda g, a=a, factors=factors: (g.ravel() - a.T @ factors.solve(a @ g.ravel())) / alpha)
        else:
            factors = factor(
                alpha * sparse.eye_array(channels * pixels)
                + lam * a.T @ a
                + rho * sparse.block_diag([smooth] * channels)
            )
            solvers.append(lambda g, factors=factors: factors.solve(g.ravel()))

    def solution(gradient: Tensor) -> Tensor:
        columns = gradient.cpu().double().flatten(2).numpy()
        solved = [
            torch.from_numpy(solve(g)).reshape(gradient.shape[1:]) for solve, g in zip(solvers, columns, strict=True)
        ]
        return torch.stack(solved).to(gradient)

    return solution


def check_basis(basis: tuple[Tensor, Tensor], images: Tensor) -> None:
    """Vectors ``(N, k, H, W)`` with values ``(N, k)``, or one set for all images, in their precision and place."""
    if not isinstance(basis, tuple) or len(basis) != 2 or not all(isinstance(part, Tensor) for part in basis):
        raise ValueError(f"basis is a {type(basis).__name__}, expected two tensors: vectors and values")
    vectors, values = basis
    shape = tuple(vectors.shape)
    if len(shape) not in (3, 4) or shape[-2:] != images.shape[2:] or (len(shape) == 4 and shape[0] != len(images)):
        expected = ", ".join(map(str, (len(images), "k", *images.shape[2:])))
        raise ValueError(f"basis holds vectors {shape}, expected ({expected}), or one set for all without the first")
    if values.shape != shape[:-2]:
        raise ValueError(f"basis holds values {tuple(values.shape)}, expected {shape[:-2]}: one per vector")
    for part in (vectors, values):
        if part.dtype != images.dtype or part.device != images.device:
            came, expected = (f"{t.dtype} on {t.device}" for t in (part, images))
            raise ValueError(f"basis is {came}, expected {expected} as the images")
        if not part.isfinite().all():
            raise ValueError("basis holds NaN or infinity, expected finite values")


def basis_operator(basis: Basis, *, rho: float = 10.0, alpha: float = 1.0) -> Callable[[Tensor], Tensor]:
    """The part of ``recolor_operator`` (``lam=0``) that lies in the span of a basis, without solving anything.

    The change of channel c is::

        ż_c = Σᵢ vᵢ (vᵢᵀ g_c) / (α + ρ μᵢ)

    Args:
        basis: eigenvectors vᵢ of ``L_w`` and their values μᵢ, of each image or one for all.
        rho, alpha: as in ``recolor_operator``.

    Returns:
        ``(N, C, H, W) -> (N, C, H, W)``.

    Raises:
        ValueError: for bad input, or in use a gradient of other images; the message names the argument.
    """
    check_at_least(0, rho=rho)
    check_above(0, alpha=alpha)

    def recolored(gradient: Tensor) -> Tensor:
        check_gradient(gradient, gradient)
        check_basis(basis, gradient)
        vectors, values = basis if basis[0].dim() == 4 else (part[None] for part in basis)
        v = vectors.flatten(2)
        with torch.no_grad(), torch.autocast(gradient.device.type, enabled=False):
            shares = (gradient.flatten(2) @ v.mT) / (alpha + rho * values)[:, None]
            return (shares @ v).view_as(gradient)

    return recolored


def recolor(
    model: Model,
    images: Tensor,
    labels: Tensor,
    *,
    strength: float,
    steps: int = 1,
    operator: Callable[[Tensor], Tensor] | None = None,
    targets: Tensor | None = None,
) -> Tensor:
    """Changes each image's colours, and not its contours, so that its loss rises; returns the strongest iterate.

    The steps are::

        uᵏ⁺¹ = B(uᵏ + η ẑ(∇ₓℓ(f(xᵏ), y)))
        xᵏ⁺¹ = clamp(x⁰ + uᵏ⁺¹, 0, 1)

    ẑ is the change of the operator, scaled to a largest change of a channel of one; η is 2.5 / steps of ``strength``
    (at most all of it); B shrinks the whole change to ``strength`` where it is larger, and so keeps it one of the
    operator's. Targeted: the loss is -ℓ(f(x), ỹ). Like PGD it seeks loss and works on every image it is given, fooled
    or not. Costs steps forward and backward passes and one more forward pass, and as many solutions as steps.

    Args:
        model: maps images to logits ``(N, K)``; runs in the mode it is in.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``.
        strength: the largest change of a channel of a pixel, in units of [0, 1].
        steps: how many; one is the deck's.
        operator: gradient -> change of colours, both ``(N, C, H, W)``, of these images: from ``recolor_operator``, or
            ``basis_operator`` with their eigenbases; ``recolor_operator(images)`` where it is not given.
        targets: int64 ``(N,)``: the classes to reach.

    Returns:
        Images ``(N, C, H, W)`` in [0, 1], within ``strength`` of ``images`` in linf, without a graph: of the
        iterates, the image itself among them, the fooled first, then that of highest loss.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: the deck "Differential Operators for Structured Adversarial Examples" (H. Mobahi) and Luo, Mobahi &
    Bengio 2020, arXiv:2011.03010; the iteration is ours.
    """
    check_inputs(model, images, labels, targets)
    check_at_least(0, strength=strength)
    check_count(steps=steps)
    images = detached(images)
    recolored = recolor_operator(images) if operator is None else operator
    check_callable(operator=recolored)

    def change_of(gradient: Tensor, x: Tensor) -> Tensor:
        change = recolored(gradient)
        check_gradient(change, images, "the operator's result")
        return change

    return climb(
        model,
        images,
        labels,
        targets,
        steps=int(steps),
        bound=strength,
        vectors=False,
        operator=change_of,
        apply=lambda change: (images + change).clamp_(0, 1),
    )[0]
