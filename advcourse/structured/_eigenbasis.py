"""The few smoothest changes of an image: eigenvectors of its edge-weighted Laplacian, for use with any model."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import NamedTuple

import numpy as np
import torch
from scipy.sparse import csr_array, eye_array
from scipy.sparse.linalg import LinearOperator, eigsh
from torch import Tensor

from advcourse.core.validation import check_at_most, check_count, check_images
from advcourse.structured._photometric import Photometric
from advcourse.structured._solvers import factor

KEPT = 128
SMALL = 64
_kept: OrderedDict[tuple, Basis] = OrderedDict()


class Basis(NamedTuple):
    """Eigenvectors ``(k, H, W)``, orthonormal, and eigenvalues ``(k,)``, ascending; or ``(N, k, H, W)``, ``(N, k)``."""

    vectors: Tensor
    values: Tensor


def eigenbasis(image: Tensor, k: int, *, weight: str = "strength", floor: float = 0.05) -> Basis:
    """The k leading eigenvectors of an image's recolouring operator: those of the lowest values of ``L_w``.

    With ``lam=0``, ``recolor_operator`` is the inverse of ``α I + ρ L_w`` in every channel (``L_w`` as in
    ``Photometric``), so its leading eigenvectors are those of ``L_w`` of lowest value: the constant, then changes
    that are even inside regions and jump at contours. (The deck's "leading eigenvectors of M⁻¹" are any basis of a
    null space of two thirds of all dimensions, for three channels.) Found by inverse iteration (ARPACK) on a sparse
    factor in float64, from a fixed start. The bases of the last 128 images are kept.

    Args:
        image: ``(C, H, W)`` in [0, 1].
        k: how many, at most as many as there are pixels.
        weight, floor: as in ``Photometric``.

    Returns:
        A ``Basis`` in the image's precision and on its device; the largest entry of each vector is positive.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: the deck "Differential Operators for Structured Adversarial Examples" (H. Mobahi), after equation 48.
    """
    check_images(image[None] if isinstance(image, Tensor) else image, "image")
    check_count(k=k)
    check_at_most(image[0].numel(), k=k)
    pixels = image.detach().cpu().contiguous()
    # of the bytes, not the tensor: a basis belongs to what the image shows
    key = (hashlib.sha256(pixels.numpy().tobytes()).digest(), pixels.shape, pixels.dtype, int(k), weight, floor)
    if key not in _kept:
        with torch.inference_mode(False):
            parts = Photometric(pixels[None].double().clone(), weight, floor)
            values, vectors = _lowest(parts.matrices(0)[1], int(k))
            vectors *= np.sign(vectors[np.abs(vectors).argmax(0), np.arange(int(k))])
            rows = torch.from_numpy(np.ascontiguousarray(vectors.T)).view(-1, *image.shape[1:])
            _kept[key] = Basis(rows.to(pixels.dtype), torch.from_numpy(values).to(pixels.dtype))
    _kept.move_to_end(key)
    if len(_kept) > KEPT:
        _kept.popitem(last=False)
    return Basis(*(part.to(image.device, copy=True) for part in _kept[key]))


def eigenbases(images: Tensor, k: int, *, weight: str = "strength", floor: float = 0.05) -> Basis:
    """``eigenbasis`` of every image: vectors ``(N, k, H, W)`` and values ``(N, k)``."""
    check_images(images)
    bases = [eigenbasis(image, k, weight=weight, floor=floor) for image in images]
    return Basis(*(torch.stack(parts) for parts in zip(*bases, strict=True)))


def learned_basis(images: Tensor, k: int) -> Basis:
    """One basis for all images, learned from a set: the k principal components of its channels.

    A first look at what the deck leaves for the future, operators learned from a training set. With σᵢ²
    the variances along the components, the values are μᵢ = σ₁² / σᵢ²: a change costs the more, the less the set varies
    that way. It knows no contours of any one image.

    Args:
        images: the set, ``(N, C, H, W)`` in [0, 1]; every channel is a sample.
        k: how many, at most as many as the set varies along.

    Returns:
        A ``Basis`` of vectors ``(k, H, W)`` and values ``(k,)``, for every image of that size.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: the deck "Differential Operators for Structured Adversarial Examples" (H. Mobahi), "Directions for Future
    Work"; that the operator be a principal component analysis is ours.
    """
    check_images(images)
    check_count(k=k)
    samples = images.detach().flatten(0, 1).flatten(1)
    _, deviations, vectors = torch.linalg.svd(samples - samples.mean(0), full_matrices=False)
    rank = int((deviations > deviations[0] * max(samples.shape) * torch.finfo(images.dtype).eps).sum())
    check_at_most(rank, k=k)
    values = (deviations[0] / deviations[:k]).square()
    return Basis(vectors[:k].reshape(-1, *images.shape[2:]), values)


def _lowest(matrix: csr_array, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k lowest eigenvalues of a positive semidefinite sparse matrix, ascending, and their vectors as columns."""
    n = matrix.shape[0]
    if n <= SMALL or 2 * k > n:
        values, vectors = np.linalg.eigh(matrix.toarray())
        return values[:k].clip(0), vectors[:, :k]
    # The matrix itself is singular: its null vector is the constant.
    shift = -1e-6 * matrix.trace() / n
    factors = factor(matrix - shift * eye_array(n))
    inverse = LinearOperator((n, n), factors.solve)
    start = np.random.default_rng(0).standard_normal(n)
    values, vectors = eigsh(matrix, k, sigma=shift, OPinv=inverse, v0=start)
    order = values.argsort()
    return values[order].clip(0), vectors[:, order]
