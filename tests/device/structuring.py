"""What structured perturbations and plots do on a device; see ``attacking``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor

from advcourse.core.warps import canvas, rigid
from advcourse.structured import (
    Photometric,
    basis_operator,
    cache_eigenbases,
    derivatives,
    edge_correlation,
    edge_strength,
    eigenbases,
    eigenbasis,
    eigenvectors,
    flow_field,
    flow_step,
    flow_with_field,
    learned_basis,
    pcg,
    photometric_operator,
    random_flow_step,
    random_recolor_step,
    recolor,
    recolor_operator,
    recolor_step,
    warp,
)
from tests.device.attacking import Found, N
from tests.support.scenes import loss_gradient, scene


def slope(device: str, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Images, and the gradient of their losses."""
    model, images, labels = scene(N, device=device, dtype=dtype)
    return images, loss_gradient(model, images, labels)


def does_flow_field(device: str, dtype: torch.dtype) -> Found:
    images, gradient = slope(device, dtype)
    boundaries = ("neumann", "periodic", "zero")
    found = {
        f"{boundary} {gamma}": flow_field(gradient, images, gamma=gamma, boundary=boundary)
        for boundary in boundaries
        for gamma in (0.0, 1.0)
    }
    for boundary in boundaries:
        there, values = eigenvectors(8, boundary, images.device, dtype)
        found |= {f"{boundary} vectors": there, f"{boundary} values": values}
    return found | dict(zip("xy", derivatives(images), strict=True))


def does_flow_with_field(device: str, dtype: torch.dtype) -> Found:
    model, images, labels = scene(N, device=device, dtype=dtype)
    moved, field = flow_with_field(model, images, labels, gamma=1.0, max_displacement=1.0, steps=3)
    return {"moved": moved, "field": field, "black": warp(images, field, 0.5, padding="zeros")}


def does_rigid(device: str, dtype: torch.dtype) -> Found:
    images, _ = slope(device, dtype)
    angles = torch.linspace(-20.0, 20.0, N, device=device, dtype=dtype)
    return {"turned": rigid(images, 0.5, 0.0, angles), "canvas": canvas(images, 1.0, 10.0)}


def does_recolor_operator(device: str, dtype: torch.dtype) -> Found:
    images, gradient = slope(device, dtype)
    found = {}
    for solver in ("cg", "lu"):
        for lam, rho in ((0.0, 1.0), (1.0, 0.0), (1.0, 1.0)):
            operator = recolor_operator(images, lam=lam, rho=rho, solver=solver)
            found[f"{solver} {lam} {rho}"] = operator(gradient)
    return found


def does_recolor_with_default_solver(device: str, dtype: torch.dtype) -> Found:
    """Factors on a CPU, conjugate gradients elsewhere."""
    model, images, labels = scene(N, device=device, dtype=dtype)
    operator = recolor_operator(images, tolerance=1e-12)
    return {"found": recolor(model, images, labels, strength=0.3, steps=3, operator=operator)}


def does_eigenbases(device: str, dtype: torch.dtype) -> Found:
    images, gradient = slope(device, dtype)
    bases = {"many": eigenbases(images, 5), "one": eigenbasis(images[0], 3), "learned": learned_basis(images, 4)}
    found = {f"{name} vectors": basis.vectors for name, basis in bases.items()}
    found |= {f"{name} values": basis.values for name, basis in bases.items()}
    return found | {
        "operator": basis_operator(bases["many"])(gradient),
        "learnt": basis_operator(bases["learned"])(gradient),
    }


def does_photometric(device: str, dtype: torch.dtype) -> Found:
    images, gradient = slope(device, dtype)
    parts = Photometric(images, "strength", 0.1)
    names = ("rows", "columns", "smooth")
    found = {f"diagonal {name}": each for name, each in zip(names, parts.diagonals(), strict=True)}
    edges = parts.edges(gradient)
    found |= {"edges": edges, "adjoint": parts.edges_adjoint(edges), "even": parts.smooth(gradient)}
    found |= {"strength": edge_strength(images), "kept": edge_correlation(images, images.square())}
    return found | {"matrix": photometric_operator(images[0]).toarray().tolist()}


def does_pcg(device: str, dtype: torch.dtype) -> Found:
    """Many systems, each with its own tolerance."""
    _, gradient = slope(device, dtype)
    scale = torch.arange(1, N + 1, device=device, dtype=dtype)[:, None, None, None]
    tolerance = 10.0 ** -scale.clamp_max(5)
    return {"found": pcg(lambda u: scale * u + u.mean((2, 3), True), scale, gradient, dims=(2, 3), tolerance=tolerance)}


def does_steps(device: str, dtype: torch.dtype) -> Found:
    """Those of an augmentation, the recolouring from a cache on disk."""
    model, images, labels = scene(6, device=device, dtype=dtype)
    given = model.train(), images[1:5], labels[1:5]
    model[8].p = 0.0
    bent = [partial(step, *given, gamma=1.0, max_displacement=1.0) for step in (flow_step, random_flow_step)]
    with TemporaryDirectory() as folder:
        bases = cache_eigenbases(images, 4, Path(folder), shard_size=4, progress=False)
        coloured = [partial(step, *given, bases=bases, strength=0.2) for step in (recolor_step, random_recolor_step)]
        return {
            f"{each.func.__name__} {uniform}": each(uniform=uniform)
            for each in (*bent, *coloured)
            for uniform in (False, True)
        }
