"""Symmetric positive definite systems: batched conjugate gradients on the device, sparse factors on the CPU."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from scipy import sparse
from scipy.sparse.linalg import SuperLU, splu
from torch import Tensor

BETWEEN_LOOKS = 10
RESTARTS = 5


def pcg(
    apply: Callable[[Tensor], Tensor],
    diagonal: Tensor,
    b: Tensor,
    *,
    dims: tuple[int, ...],
    tolerance: float | Tensor = 1e-5,
    iterations: int = 2000,
) -> Tensor:
    """Solves S x = b by conjugate gradients with Jacobi's preconditioner, many systems at a time.

    Every system stops by itself at ‖b - S x‖₂ ≤ ``tolerance`` · ‖b‖₂, so that it is solved as it would be alone. That
    residual is computed anew before it counts: the one that the iteration carries along drifts, and where it has, the
    iteration starts again from what it found. What the rounding of x alone does to the residual, about
    ε ‖diag(S) x‖₂ with ε the precision's, is not worked against.

    Args:
        apply: S, symmetric and positive definite.
        diagonal: of S, shaped as b or broadcastable to it.
        b: right-hand sides.
        dims: the axes of b that make up one system; along the others the systems are independent.
        tolerance: relative residual, of all systems or of each.
        iterations: at most so many in a row, after which a warning is given.

    Source: Hestenes & Stiefel 1952, Journal of Research of the National Bureau of Standards 49.
    """

    def norm(u: Tensor) -> Tensor:
        return torch.linalg.vector_norm(u, dim=dims, keepdim=True)

    wanted, rounding = tolerance * norm(b), torch.finfo(b.dtype).eps * diagonal
    x, residual, goal = torch.zeros_like(b), b.clone(), wanted
    for _ in range(RESTARTS):
        # Half way below, for what rounding adds to the residual that is carried along; those that are done stay so.
        goal = torch.where(norm(residual) > goal, goal / 2, torch.inf)
        direction, before = torch.zeros_like(b), torch.ones_like(goal)
        for step in range(iterations):
            going = norm(residual) > goal
            if step % BETWEEN_LOOKS == 0 and not going.any():  # to look is to wait for the device
                break
            preconditioned = residual / diagonal
            product = (residual * preconditioned).sum(dims, keepdim=True)
            ratio = torch.where(going, product / before, 0) if step else torch.zeros_like(product)
            direction = preconditioned.addcmul_(ratio, direction)
            image = apply(direction)
            length = torch.where(going, product / (direction * image).sum(dims, keepdim=True), 0)
            x.addcmul_(length, direction)
            residual.addcmul_(length, image, value=-1)
            before = product
        residual = b - apply(x)
        goal = torch.maximum(wanted, norm(rounding * x))
        if not (norm(residual) > goal).any():
            return x
    worst = (norm(residual) / norm(b)).nan_to_num(0).max().item()
    warnings.warn(f"conjugate gradients stopped at a relative residual of {worst:.2g}", stacklevel=2)
    return x


def factor(matrix: sparse.sparray) -> SuperLU:
    """The sparse LU factors of a symmetric positive definite matrix, ordered and pivoted as such; see ``solve``."""
    return splu(matrix.tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
