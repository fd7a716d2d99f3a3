"""Motion as a linear operator: the smooth flow along which warping an image raises the loss fastest."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

from advcourse.core.running import Model, detached
from advcourse.core.validation import (
    check_above,
    check_at_least,
    check_choice,
    check_count,
    check_gradient,
    check_images,
    check_inputs,
)
from advcourse.core.warps import warp
from advcourse.structured._ascent import climb

BOUNDARIES = ("neumann", "periodic", "zero")


def flow_field(
    gradient: Tensor, images: Tensor, *, gamma: float, alpha: float = 1.0, boundary: str = "neumann"
) -> Tensor:
    """The motion field that raises the loss fastest for its length and roughness.

    Under brightness constancy, for an image Z whose channel c has the slopes ``Z_cx`` to the right and ``Z_cy`` down,
    and the gradient ``ℓ_c``::

        Ż = -(Z_x ẋ + Z_y ẏ),   so that   dL/dt = -(d_xᵀ ẋ + d_yᵀ ẏ)

        d_x = Σ_c ℓ_c ∘ Z_cx,   and d_y likewise

    The field minimises, with ``P = D_xᵀ D_x + D_yᵀ D_y``::

        d_xᵀ ẋ + d_yᵀ ẏ + α/2 (‖ẋ‖² + ‖ẏ‖² + γ (ẋᵀ P ẋ + ẏᵀ P ẏ))

    Hence, and likewise for ẏ::

        α (I + γ P) ẋ = -d_x

    and along it, the sum over ``d_x`` and ``d_y``::

        dL/dt = (1/α) Σ dᵀ (I + γ P)⁻¹ d > 0   where d ≠ 0

    P is ``I ⊗ K_W + K_H ⊗ I``; Kₙ has orthonormal eigenvectors, the rows of Cₙ, and eigenvalues λ, so that no system
    is solved (⊘ divides entry by entry)::

        ẋ = -(1/α) C_Hᵀ [(C_H d_x C_Wᵀ) ⊘ (1 + γ (λᵢ + λⱼ))] C_W

    Images are differentiated by central differences, one-sided at the border: their warp is bilinear, and its slope
    to both sides is theirs. P is made of forward differences, which central ones cannot replace: those do not see a
    checkerboard.

    Args:
        gradient: of the loss with respect to the images, ``(N, C, H, W)``.
        images: ``(N, C, H, W)`` in [0, 1].
        gamma: γ ≥ 0, smoothness; 0 moves every pixel by itself, and with ``"neumann"`` or
            ``"periodic"`` ever larger values approach one common motion.
        alpha: α > 0, the price of motion; it scales the field by its inverse.
        boundary: what the forward differences in P see beyond the last column and row: ``"neumann"`` no difference
            (the cosine transform), ``"periodic"`` the first column and row (the Fourier transform, in its real form),
            ``"zero"`` a field of zeros, as a convolution padded with zeros does (eigenvectors found numerically).

    Returns:
        ``(N, 2, H, W)``: channel 0 is ẋ, along columns to the right, channel 1 is ẏ, along rows downwards, in pixels
        per unit of t.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Luo, Mobahi & Bengio 2020, arXiv:2011.03010; the deck "Differential Operators for Structured Adversarial
    Examples" (H. Mobahi), equations 10 to 28, with the sum over colours added and the signs of 17 and 18 corrected.
    """
    check_images(images)
    check_gradient(gradient, images)
    check_at_least(0, gamma=gamma)
    check_above(0, alpha=alpha)
    check_choice("boundary", boundary, BOUNDARIES)
    gradient, images = gradient.detach(), images.detach()
    with torch.autocast(images.device.type, enabled=False):
        d = torch.stack([along.mul_(gradient).sum(1) for along in derivatives(images)], 1)
        height, width = images.shape[2:]
        rows, row_values = eigenvectors(height, boundary, images.device, images.dtype)
        columns, column_values = eigenvectors(width, boundary, images.device, images.dtype)
        spectrum = rows @ (d @ columns.T)
        spectrum /= -alpha * (1 + gamma * (row_values[:, None] + column_values))
        return rows.T @ (spectrum @ columns)


def derivatives(images: Tensor) -> tuple[Tensor, Tensor]:
    """``Z_x`` and ``Z_y`` by central differences, one-sided at the border; zero along a side of one.

    Each is ``(N, C, H, W)``.
    """

    def along(dim: int) -> Tensor:
        n = images.shape[dim]
        if n == 1:
            return torch.zeros_like(images)
        # torch.gradient, but that every value is written once.
        slope = torch.empty_like(images)
        inside = slope.narrow(dim, 1, n - 2)
        torch.sub(images.narrow(dim, 2, n - 2), images.narrow(dim, 0, n - 2), out=inside)
        inside /= 2
        for edge, high in ((0, 1), (n - 1, n - 1)):
            torch.sub(images.select(dim, high), images.select(dim, high - 1), out=slope.select(dim, edge))
        return slope

    return along(3), along(2)


@lru_cache(maxsize=64)
def eigenvectors(n: int, boundary: str, device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Orthonormal eigenvectors of Kₙ = DᵀD, D the forward differences along a side of n pixels.

    Neumann: the DCT-II, √(2/n) cos(π k (j + 1/2) / n) (its first row divided by √2), with λₖ = 2 - 2 cos(π k / n).
    Periodic: the Hartley transform, the Fourier transform's real form, (cos + sin)(2π k j / n) / √n, with
    λₖ = 2 - 2 cos(2π k / n). Zero: computed.

    Returns:
        The matrix ``(n, n)`` whose rows are the eigenvectors, and the eigenvalues ``(n,)``; computed in float64 and
        kept for the next call.
    """
    with torch.inference_mode(False):
        k = torch.arange(n, dtype=torch.float64)
        if boundary == "neumann":
            matrix = (math.pi / n * k[:, None] * (k + 0.5)).cos() * math.sqrt(2 / n)
            matrix[0] /= math.sqrt(2)
            values = 2 - 2 * (math.pi / n * k).cos()
        elif boundary == "periodic":
            angle = 2 * math.pi / n * (k[:, None] * k % n)
            matrix = (angle.cos() + angle.sin()) / math.sqrt(n)
            values = 2 - 2 * (2 * math.pi / n * k).cos()
        else:
            differences = torch.diag(torch.ones(n - 1, dtype=torch.float64), 1) - torch.eye(n, dtype=torch.float64)
            values, vectors = torch.linalg.eigh(differences.T @ differences)
            matrix = vectors.T.contiguous()
        return matrix.to(device, dtype), values.to(device, dtype)


def flow(
    model: Model,
    images: Tensor,
    labels: Tensor,
    *,
    gamma: float,
    max_displacement: float,
    steps: int = 1,
    targets: Tensor | None = None,
) -> Tensor:
    """Warps each image along the smooth motion field that raises its loss; returns the strongest iterate.

    The steps are::

        vᵏ⁺¹    = B(vᵏ + η v̂(∇ₓℓ(f(xᵏ), y), xᵏ))
        xᵏ⁺¹(p) = x⁰(p - vᵏ⁺¹(p))

    v̂ is ``flow_field`` scaled to a largest displacement of one pixel, η is 2.5 / steps of ``max_displacement`` (at
    most all of it), and B shrinks the whole field to the bound where it is longer. Fields add up and the original is
    warped once, so that no interpolation follows another. Targeted: the loss is -ℓ(f(x), ỹ). Like PGD it seeks loss
    and works on every image it is given, fooled or not, as training on warped images needs. Costs steps forward and
    backward passes and one more forward pass.

    Args:
        model: maps images to logits ``(N, K)``; runs in the mode it is in.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``.
        gamma: smoothness of the field, as in ``flow_field``, in squared pixels.
        max_displacement: how far a pixel may move, in pixels (Euclidean).
        steps: how many; one is the deck's.
        targets: int64 ``(N,)``: the classes to reach.

    Returns:
        Images ``(N, C, H, W)`` in [0, 1], without a graph: of the iterates, the image itself among them, the fooled
        first, then that of highest loss.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Luo, Mobahi & Bengio 2020, arXiv:2011.03010; the iteration is ours.
    """
    return flow_with_field(
        model, images, labels, gamma=gamma, max_displacement=max_displacement, steps=steps, targets=targets
    )[0]


def flow_with_field(
    model: Model,
    images: Tensor,
    labels: Tensor,
    *,
    gamma: float,
    max_displacement: float,
    steps: int = 1,
    targets: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """What ``flow`` returns, and the fields ``(N, 2, H, W)`` in pixels along which it warped the images to it.

    The images are ``warp(images, fields)``. Where no iterate is stronger than the image itself, its field is zero.
    """
    check_inputs(model, images, labels, targets)
    check_at_least(0, gamma=gamma, max_displacement=max_displacement)
    check_count(steps=steps)
    images = detached(images)
    return climb(
        model,
        images,
        labels,
        targets,
        steps=int(steps),
        bound=max_displacement,
        vectors=True,
        operator=lambda gradient, x: flow_field(gradient, x, gamma=gamma),
        apply=lambda field: warp(images, field),
    )
