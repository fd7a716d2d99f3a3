"""What a recolouring may not change: edge strength, the deck's operator A, and smoothness inside regions."""

from __future__ import annotations

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from advcourse.core.validation import check_above, check_choice, check_images

WEIGHTS = ("norm", "strength")


def forward_differences(z: Tensor) -> tuple[Tensor, Tensor]:
    """``D_x z`` and ``D_y z``: the pixel to the right, and below, less this one; zero in the last column, and row."""
    return (
        torch.cat([z.diff(dim=3), torch.zeros_like(z[..., :1])], 3),
        torch.cat([z.diff(dim=2), torch.zeros_like(z[..., :1, :])], 2),
    )


def adjoint_differences(u_x: Tensor, u_y: Tensor) -> Tensor:
    """``D_xᵀ u_x + D_yᵀ u_y``."""
    z = torch.zeros_like(u_x)
    z[..., :-1] -= u_x[..., :-1]
    z[..., 1:] += u_x[..., :-1]
    z[..., :-1, :] -= u_y[..., :-1, :]
    z[..., 1:, :] += u_y[..., :-1, :]
    return z


def edge_strength(images: Tensor) -> Tensor:
    """Edge strength ``E = Σ_c (Z_cx² + Z_cy²)`` of every pixel, by forward differences of its channels c.

    Args:
        images: ``(N, C, H, W)``.

    Returns:
        ``(N, H, W)``.

    Source: the deck "Differential Operators for Structured Adversarial Examples" (H. Mobahi), equations 29 to 31.
    """
    x, y = forward_differences(images)
    return x.square().add_(y.square()).sum(1)


def edge_correlation(images: Tensor, changed: Tensor) -> Tensor:
    """How far the contours are where they were: the correlation of √E before and after, over the pixels.

    E is ``edge_strength``.

    Args:
        images, changed: ``(N, C, H, W)`` in [0, 1].

    Returns:
        ``(N,)`` in [-1, 1]; ``nan`` where one of the two has the same edge strength everywhere.
    """
    check_images(images)
    check_images(changed, "changed")
    if images.shape != changed.shape:
        raise ValueError(f"changed has shape {tuple(changed.shape)}, expected {tuple(images.shape)}: the images'")
    before, after = (edge_strength(x.detach()).sqrt().flatten(1) for x in (images, changed))
    before, after = (e - e.mean(1, keepdim=True) for e in (before, after))
    return (before * after).sum(1) / (before.norm(dim=1) * after.norm(dim=1))


def edge_weights(images: Tensor, weight: str, floor: float) -> Tensor:
    """The weight w of every pixel, ``(N, 1, H, W)``: small on edges, large where the image is flat.

    Args:
        images: ``(N, C, H, W)`` in [0, 1].
        weight, floor: as in ``Photometric``.
    """
    check_images(images)
    check_choice("weight", weight, WEIGHTS)
    check_above(0, floor=floor)
    inverse = (edge_strength(images)[:, None] + floor**2).reciprocal()
    return inverse.sqrt() if weight == "norm" else inverse


class Photometric:
    """The operators of a recolouring of each image, applied without being built.

    With ``D_x`` and ``D_y`` the forward differences, ``Z_cx`` and ``Z_cy`` those of channel c, and w a weight of every
    pixel, small on edges and large where the image is flat::

        A   = [M₁ | … | M_C]
        M_c = diag(w ∘ Z_cx) D_x + diag(w ∘ Z_cy) D_y
        L_w = D_xᵀ diag(w) D_x + D_yᵀ diag(w) D_y

    ``A ż`` is half the weighted rate of change of E, the ``edge_strength``. The deck's M is AᵀA; it is singular: A has
    a row for each of the P pixels and a column for each of their C P values, and no entry in the row of the last pixel.

    Args:
        images: ``(N, C, H, W)`` in [0, 1].
        weight: ``"norm"`` is w = 1/√(E + ε²): the deck's matrices divide by its inverse (its e is a norm), and
            ``"strength"`` is w = 1/(E + ε²), the relative change that its equation 32 states.
        floor: ε > 0, which keeps w finite where the image is flat.

    Source: the deck "Differential Operators for Structured Adversarial Examples" (H. Mobahi), equations 41 and 47,
    the subject of Luo, Mobahi & Bengio 2020, arXiv:2011.03010; ``L_w`` is ours.
    """

    def __init__(self, images: Tensor, weight: str, floor: float):
        images = images.detach()
        self.weights = edge_weights(images, weight, floor)
        x, y = forward_differences(images)
        self.x, self.y = self.weights * x, self.weights * y

    def edges(self, z: Tensor) -> Tensor:
        """``A z``, ``(N, C, H, W) -> (N, 1, H, W)``."""
        x, y = forward_differences(z)
        return (self.x * x + self.y * y).sum(1, keepdim=True)

    def edges_adjoint(self, u: Tensor) -> Tensor:
        """``Aᵀ u``, ``(N, 1, H, W) -> (N, C, H, W)``."""
        return adjoint_differences(self.x * u, self.y * u)

    def smooth(self, z: Tensor) -> Tensor:
        """``L_w z`` of every channel, ``(N, C, H, W) -> (N, C, H, W)``."""
        right = z.diff(dim=3).mul_(self.weights[..., :-1])
        below = z.diff(dim=2).mul_(self.weights[..., :-1, :])
        out = torch.zeros_like(z)
        out[..., :-1] -= right
        out[..., 1:] += right
        out[..., :-1, :] -= below
        out[..., 1:, :] += below
        return out

    def diagonals(self) -> tuple[Tensor, Tensor, Tensor]:
        """The diagonals of AAᵀ ``(N, 1, H, W)``, of AᵀA ``(N, C, H, W)`` and of ``L_w`` ``(N, 1, H, W)``."""
        here, right, below = (self.x + self.y).square(), self.x.square(), self.y.square()
        columns = here.clone()
        columns[..., 1:] += right[..., :-1]
        columns[..., 1:, :] += below[..., :-1, :]
        smooth = torch.zeros_like(self.weights)
        smooth[..., :-1] += self.weights[..., :-1]
        smooth[..., 1:] += self.weights[..., :-1]
        smooth[..., :-1, :] += self.weights[..., :-1, :]
        smooth[..., 1:, :] += self.weights[..., :-1, :]
        return (here + right + below).sum(1, keepdim=True), columns, smooth

    def matrices(self, i: int) -> tuple[sparse.csr_array, sparse.csr_array]:
        """A ``(H W, C H W)`` and ``L_w`` ``(H W, H W)`` of image i, in float64; channels one after the other."""
        d_x, d_y = _difference_matrices(*self.weights.shape[2:])
        x, y, w = (part[i].cpu().double().flatten(1).numpy() for part in (self.x, self.y, self.weights))
        a = sparse.hstack(
            [sparse.diags_array(p) @ d_x + sparse.diags_array(q) @ d_y for p, q in zip(x, y, strict=True)]
        )
        w = sparse.diags_array(w[0])
        return a.tocsr(), (d_x.T @ w @ d_x + d_y.T @ w @ d_y).tocsr()


def _difference_matrices(height: int, width: int) -> tuple[sparse.csr_array, sparse.csr_array]:
    """``D_x`` and ``D_y`` on the rows of pixels, one after the other."""

    def along(n: int) -> sparse.dia_array:
        lower = -np.ones(n)
        lower[-1] = 0
        return sparse.diags_array([lower, np.ones(n - 1)], offsets=[0, 1], shape=(n, n))

    rows, columns = sparse.eye_array(height), sparse.eye_array(width)
    return sparse.kron(rows, along(width)).tocsr(), sparse.kron(along(height), columns).tocsr()


def photometric_operator(image: Tensor, *, weight: str = "norm", floor: float = 0.05) -> sparse.csr_array:
    """The deck's A of one image ``(C, H, W)``, sparse, ``(H W, C H W)`` in float64; its M is ``A.T @ A``.

    Args:
        image: ``(C, H, W)`` in [0, 1].
        weight, floor: as in ``Photometric``.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: the deck "Differential Operators for Structured Adversarial Examples" (H. Mobahi), equations 41 and 47.
    """
    check_images(image[None] if isinstance(image, Tensor) else image, "image")
    return Photometric(image[None].cpu().double(), weight, floor).matrices(0)[0]
