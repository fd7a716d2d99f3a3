"""What a recolouring may not change: edge strength, the deck's operator A, and smoothness inside regions."""

from __future__ import annotations

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from advcourse.core.validation import check_above, check_choice, check_images

WEIGHTS = ("norm", "strength")


def forward_differences(z: Tensor) -> tuple[Tensor, Tensor]:
    """D_x z and D_y z: the pixel to the right, and below, less this one; zero in the last column, and row."""
    return (
        torch.cat([z.diff(dim=3), torch.zeros_like(z[..., :1])], 3),
        torch.cat([z.diff(dim=2), torch.zeros_like(z[..., :1, :])], 2),
    )


def adjoint_differences(u_x: Tensor, u_y: Tensor) -> Tensor:
    """D_x^T u_x + D_y^T u_y."""
    z = torch.zeros_like(u_x)
    z[..., :-1] -= u_x[..., :-1]
    z[..., 1:] += u_x[..., :-1]
    z[..., :-1, :] -= u_y[..., :-1, :]
    z[..., 1:, :] += u_y[..., :-1, :]
    return z


def edge_strength(images: Tensor) -> Tensor:
    r"""Edge strength :math:`E = \sum_c Z_{c,x}^2 + Z_{c,y}^2` of every pixel, by forward differences.

    Args:
        images: ``(N, C, H, W)``.

    Returns:
        ``(N, H, W)``.

    Source: the deck "Differential Operators for Structured Adversarial Examples" (H. Mobahi), equations 29 to 31.
    """
    x, y = forward_differences(images)
    return x.square().add_(y.square()).sum(1)


def edge_correlation(images: Tensor, changed: Tensor) -> Tensor:
    r"""How far the contours are where they were: the correlation of :math:`\sqrt E` before and after, over the pixels.

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
    r"""The weight w of every pixel, ``(N, 1, H, W)``: small on edges, large where the image is flat.

    ``"norm"`` is :math:`1/\sqrt{E + \epsilon^2}`, which the deck's matrices divide by (its e is a norm), and
    ``"strength"`` is :math:`1/(E + \epsilon^2)`, the relative change that its equation 32 states.

    Args:
        images: ``(N, C, H, W)`` in [0, 1].
        weight: ``"norm"`` or ``"strength"``.
        floor: :math:`\epsilon>0`, which keeps it finite where the image is flat.
    """
    check_images(images)
    check_choice("weight", weight, WEIGHTS)
    check_above(0, floor=floor)
    inverse = (edge_strength(images)[:, None] + floor**2).reciprocal()
    return inverse.sqrt() if weight == "norm" else inverse


class Photometric:
    r"""The operators of a recolouring of each image, applied without being built.

    .. math:: A = [M_1\,|\,\dots\,|\,M_C],\quad M_c = \mathrm{diag}(w\circ Z_{c,x})D_x + \mathrm{diag}(w\circ
       Z_{c,y})D_y,\qquad L_w = D_x^T\mathrm{diag}(w)D_x + D_y^T\mathrm{diag}(w)D_y

    :math:`A\dot z` is half the weighted rate of change of E. The deck's M is :math:`A^TA`; it is singular: A has a
    row for each of the N pixels and a column for each of their C N values, and no entry in the row of the last pixel.

    Args:
        images: ``(N, C, H, W)`` in [0, 1].
        weight, floor: as in :func:`edge_weights`.

    Source: the deck "Differential Operators for Structured Adversarial Examples" (H. Mobahi), equations 41 and 47,
    the subject of Luo, Mobahi & Bengio 2020, arXiv:2011.03010; :math:`L_w` is ours.
    """

    def __init__(self, images: Tensor, weight: str, floor: float):
        images = images.detach()
        self.weights = edge_weights(images, weight, floor)
        x, y = forward_differences(images)
        self.x, self.y = self.weights * x, self.weights * y

    def edges(self, z: Tensor) -> Tensor:
        """A z, ``(N, C, H, W) -> (N, 1, H, W)``."""
        x, y = forward_differences(z)
        return (self.x * x + self.y * y).sum(1, keepdim=True)

    def edges_adjoint(self, u: Tensor) -> Tensor:
        """A^T u, ``(N, 1, H, W) -> (N, C, H, W)``."""
        return adjoint_differences(self.x * u, self.y * u)

    def smooth(self, z: Tensor) -> Tensor:
        """L_w z of every channel, ``(N, C, H, W) -> (N, C, H, W)``."""
        right = z.diff(dim=3).mul_(self.weights[..., :-1])
        below = z.diff(dim=2).mul_(self.weights[..., :-1, :])
        out = torch.zeros_like(z)
        out[..., :-1] -= right
        out[..., 1:] += right
        out[..., :-1, :] -= below
        out[..., 1:, :] += below
        return out

    def diagonals(self) -> tuple[Tensor, Tensor, Tensor]:
        """The diagonals of A A^T ``(N, 1, H, W)``, of A^T A ``(N, C, H, W)`` and of L_w ``(N, 1, H, W)``."""
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
        """A ``(H W, C H W)`` and L_w ``(H W, H W)`` of image i, in float64; channels one after the other."""
        d_x, d_y = _difference_matrices(*self.weights.shape[2:])
        x, y, w = (part[i].cpu().double().flatten(1).numpy() for part in (self.x, self.y, self.weights))
        a = sparse.hstack(
            [sparse.diags_array(p) @ d_x + sparse.diags_array(q) @ d_y for p, q in zip(x, y, strict=True)]
        )
        w = sparse.diags_array(w[0])
        return a.tocsr(), (d_x.T @ w @ d_x + d_y.T @ w @ d_y).tocsr()


def _difference_matrices(height: int, width: int) -> tuple[sparse.csr_array, sparse.csr_array]:
    """D_x and D_y on the rows of pixels, one after the other."""

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
        weight, floor: as in :func:`edge_weights`.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: the deck "Differential Operators for Structured Adversarial Examples" (H. Mobahi), equations 41 and 47.
    """
    check_images(image[None] if isinstance(image, Tensor) else image, "image")
    return Photometric(image[None].cpu().double(), weight, floor).matrices(0)[0]
