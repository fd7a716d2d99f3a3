"""The structured perturbations as linear systems: the library's methods and what they replace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from scipy import sparse
from torch import Tensor
from torch.nn.functional import interpolate

from advcourse import data
from advcourse.structured import Photometric, derivatives, eigenvectors, factor, flow_field, recolor_operator

GAMMA, ALPHA, RHO, LAM = 10.0, 1.0, 10.0, 1.0
FORMS = {"smooth": {"lam": 0.0, "rho": RHO}, "literal": {"lam": LAM, "rho": 0.0}}
NUMBER, INDEX = 8, 4

Solve = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Method:
    """``build(images)`` sets up and gives the map from a gradient; ``kept(image)`` counts the bytes that it holds."""

    name: str
    build: Callable[[Tensor], Solve]
    kept: Callable[[Tensor], int]
    dtype: torch.dtype = torch.float64
    dense: bool = False
    iterative: bool = False
    on_device: bool = True
    shared: bool = False
    """One set-up serves all images of a size."""


def pictures(size: int, count: int) -> Tensor:
    """Photographs reduced to the size; beyond their own, mosaics of them, so that a pixel sees what it saw."""
    photographs = data.load("photos")[0]
    side = min(size, photographs.shape[-1])
    photographs = interpolate(photographs, size=(side, side), mode="bilinear", antialias=True).clamp_(0, 1)
    tiles = -(-size // side)
    order = (torch.arange(count)[:, None] + torch.arange(tiles**2)) % len(photographs)
    mosaic = photographs[order].unflatten(1, (tiles, tiles)).permute(0, 3, 1, 4, 2, 5)
    return mosaic.reshape(count, 3, tiles * side, tiles * side)[..., :size, :size].contiguous()


def flow_system(height: int, width: int) -> sparse.csc_array:
    """I + γ P."""

    def path(n: int) -> sparse.dia_array:
        inside = np.full(n, 2.0)
        inside[[0, -1]] -= 1
        return sparse.diags_array([-np.ones(n - 1), inside, -np.ones(n - 1)], offsets=[-1, 0, 1])

    return (sparse.eye_array(height * width) + GAMMA * sparse.kronsum(path(width), path(height))).tocsc()


def slopes(gradient: Tensor, images: Tensor) -> Tensor:
    """``d_x`` and ``d_y``, ``(N, 2, H, W)``."""
    return torch.stack([(gradient * along).sum(1) for along in derivatives(images)], 1)


def flow_transform(images: Tensor) -> Solve:
    eigenvectors.cache_clear()
    for n in images.shape[2:]:
        eigenvectors(n, "neumann", images.device, images.dtype)
    return lambda gradient: flow_field(gradient, images, gamma=GAMMA)


def flow_sparse(images: Tensor) -> Solve:
    factors = factor(flow_system(*images.shape[2:]))

    def solve(gradient: Tensor) -> Tensor:
        d = slopes(gradient, images)
        return torch.from_numpy(-factors.solve(d.flatten(2).flatten(0, 1).T.numpy()).T.copy()).view(d.shape)

    return solve


def flow_dense(images: Tensor) -> Solve:
    triangle = cholesky(flow_system(*images.shape[2:]), images.device)

    def solve(gradient: Tensor) -> Tensor:
        d = slopes(gradient, images)
        return -torch.cholesky_solve(d.flatten(2).flatten(0, 1).T, triangle).T.reshape(d.shape)

    return solve


def cholesky(matrix: sparse.sparray, device: torch.device) -> Tensor:
    """The Cholesky factor of a sparse matrix as a dense one."""
    entries = matrix.tocoo()
    full = torch.zeros(matrix.shape, dtype=torch.float64, device=device)
    row, column, value = (torch.from_numpy(part).to(device) for part in (*entries.coords, entries.data))
    full[row.long(), column.long()] = value
    return torch.linalg.cholesky(full)


def recolor_system(image: Tensor, form: str) -> tuple[sparse.csr_array, sparse.csr_array]:
    """The matrix of one image that is factored, and A; the literal form's by Woodbury."""
    a, smooth = Photometric(image.double(), "strength", 0.05).matrices(0)
    identity = sparse.eye_array(smooth.shape[0])
    return (ALPHA * identity + RHO * smooth if form == "smooth" else ALPHA / LAM * identity + a @ a.T).tocsr(), a


def recolor_dense(images: Tensor, form: str) -> Solve:
    """Of one image."""
    matrix, a = recolor_system(images, form)
    triangle = cholesky(matrix, images.device)
    parts = Photometric(images, "strength", 0.05)

    def solve(gradient: Tensor) -> Tensor:
        if form == "smooth":
            return torch.cholesky_solve(gradient[0].flatten(1).T, triangle).T.reshape(gradient.shape)
        u = torch.cholesky_solve(parts.edges(gradient).view(-1, 1), triangle).view_as(parts.weights)
        return (gradient - parts.edges_adjoint(u)) / ALPHA

    return solve


def recolor_library(images: Tensor, form: str, solver: str) -> Solve:
    return recolor_operator(images, **FORMS[form], alpha=ALPHA, solver=solver)


def matrix_bytes(image: Tensor) -> int:
    """Of a dense N x N matrix in float64."""
    return NUMBER * image[0, 0].numel() ** 2


def recolor_methods() -> list[Method]:
    found = []
    for form in FORMS:
        build = partial(recolor_dense, form=form)
        found.append(Method(f"{form}, dense", build, matrix_bytes, dense=True))
        build = partial(recolor_library, form=form, solver="lu")
        kept = partial(lambda image, form: _entries(recolor_system(image, form)[0]), form=form)
        found.append(Method(f"{form}, sparse LU", build, kept, on_device=False))
        build = partial(recolor_library, form=form, solver="cg")
        found.append(Method(f"{form}, PCG", build, lambda image: NUMBER * 7 * image[0, 0].numel(), iterative=True))
    return found


def _entries(matrix: sparse.sparray) -> int:
    """Bytes of the factors of a sparse matrix: a number and an index for each entry."""
    return (NUMBER + INDEX) * factor(matrix).nnz


METHODS = {
    "flow": [
        Method("dense", flow_dense, matrix_bytes, dense=True, shared=True),
        Method("sparse LU", flow_sparse, lambda x: _entries(flow_system(*x.shape[2:])), on_device=False, shared=True),
        Method("transform", flow_transform, lambda x: 4 * x.shape[-1] ** 2, torch.float32, shared=True),
    ],
    "recolor": recolor_methods(),
}


def residual(part: str, method: Method, images: Tensor, gradient: Tensor, solution: Tensor) -> float:
    """The largest relative residual over the images, in float64."""
    images, gradient, solution = (t.double() for t in (images, gradient, solution))
    if part == "flow":
        wanted, columns = -slopes(gradient, images), solution.flatten(2).flatten(0, 1).T.cpu().numpy()
        reached = torch.from_numpy(flow_system(*images.shape[2:]) @ columns).T.reshape(wanted.shape).to(wanted)
    else:
        parts = Photometric(images, "strength", 0.05)
        literal = method.name.startswith("literal")
        rest = LAM * parts.edges_adjoint(parts.edges(solution)) if literal else RHO * parts.smooth(solution)
        wanted, reached = gradient, ALPHA * solution + rest
    return ((reached - wanted).flatten(1).norm(dim=1) / wanted.flatten(1).norm(dim=1)).max().item()


def case(method: Method, size: int, count: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Images and a gradient of normal random numbers."""
    images = pictures(size, count).to(device, method.dtype)
    gradient = torch.randn(images.shape, generator=torch.Generator().manual_seed(0), dtype=method.dtype)
    return images, gradient.to(device)
