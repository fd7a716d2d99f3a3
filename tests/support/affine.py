"""Affine models, how long a perturbation is, and how far an image really is from their decision boundary."""

import torch
from torch import Tensor

from tests.support.scenes import normal, seeded
from tests.support.toys import Affine

D = 12


def affine(classes: int, seed: int = 0, *, size: int = D, bias: float = 0.0) -> Affine:
    """For images of ``size`` numbers, those of :func:`scattered` by default; ``bias`` is that of class 0."""
    offset = torch.zeros(classes, dtype=torch.float64)
    offset[0] = bias
    return Affine(normal(classes, size, seed=seed), offset)


def scattered(n: int = 8, spread: float = 0.2) -> Tensor:
    """Images around mid-grey; at ``spread`` 1 they fill the box, above that they touch its ends."""
    between = torch.rand(n, 1, 3, 4, generator=seeded(2), dtype=torch.float64)
    return (0.5 + spread * (between - 0.5)).clamp(0, 1)


def length(delta: Tensor, norm: str) -> Tensor:
    """Of each image's perturbation, ``(N,)``."""
    return torch.linalg.vector_norm(delta.flatten(1), {"linf": torch.inf, "l2": 2, "l1": 1}[norm], dim=1)


def exact_distance(model: Affine, images: Tensor, labels: Tensor, norm: str = "l2") -> Tensor:
    """Length of the shortest perturbation inside the box that reaches another class's half-space, ``(N,)``.

    Towards one class it is ``clip(x + s d) - x`` with d = w (l2) or sign w (linf): s is found by bisection.
    """
    flat, found = images.flatten(1), []
    for x, label in zip(flat, labels, strict=True):
        lengths = [torch.tensor(torch.inf, dtype=x.dtype)]
        for k in range(len(model.weight)):
            w = model.weight[k] - model.weight[label]
            gap = model.bias[k] - model.bias[label] + w @ x
            direction = w if norm == "l2" else w.sign()
            low, high = 0.0, 1e3
            if k == label or gap + w @ ((x + high * direction).clamp(0, 1) - x) < 0:
                continue
            for _ in range(200):
                middle = (low + high) / 2
                short = gap + w @ ((x + middle * direction).clamp(0, 1) - x) < 0
                low, high = (middle, high) if short else (low, middle)
            lengths.append(length(((x + high * direction).clamp(0, 1) - x)[None], norm)[0])
        found.append(torch.stack(lengths).min())
    return torch.stack(found)
