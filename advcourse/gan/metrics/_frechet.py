"""Fréchet distance: how far are the means and covariances of two sets of features apart?"""

from __future__ import annotations

import torch
from torch import Tensor

from advcourse.core.running import Model
from advcourse.gan.metrics._checks import check_features, exact
from advcourse.gan.metrics._results import Metric, metric_name


@torch.no_grad()
def frechet_distance(real: Tensor, fake: Tensor, *, extractor: str | Model) -> Metric:
    """The squared Fréchet distance of two Gaussians that have the features' means m and covariances S.

    It is::

        ‖m₁ - m₂‖² + tr S₁ + tr S₂ - 2 tr (S₁^½ S₂ S₁^½)^½

    The last trace is the sum of the roots of the eigenvalues of S₁^½ S₂ S₁^½. With Sᵢ = Rᵢᵀ Rᵢ, where Rᵢ comes of a QR
    decomposition of the centred features, these are the squares of the singular values of R₁ R₂ᵀ: the trace is their
    sum, and no root of a rounding error is taken. So a collapsed generator, whose covariance has a low rank, gets as
    exact a value as any other.

    It falls as more images are taken, for good generators most: compare values of the same n_fake only.

    Args:
        real, fake: features ``(N, D)`` and ``(M, D)`` by one extractor, each with more rows than D.
        extractor: its name, as ``"mnist/cnn"``; or the ``Inception`` itself.

    Returns:
        the squared distance, never negative; named ``FD-mnist-cnn``, or ``FID``.

    Raises:
        ValueError: for bad input, or where there are no more rows than features; the message names the argument.

    Source: Heusel et al. 2017, arXiv:1706.08500, equation 6.
    """
    check_features(real=real, fake=fake)
    for each, rows in (("real", real), ("fake", fake)):
        if len(rows) <= rows.shape[1]:
            raise ValueError(
                f"{each} holds {len(rows)} rows, expected more than {rows.shape[1]}: as many as features, "
                "or their covariance is that of a smaller space"
            )
    name = metric_name("FD", extractor)
    (mean, root), (other_mean, other_root) = (_moments(exact(rows)) for rows in (real, fake))
    shift = (mean - other_mean).square().sum()
    spread = root.square().sum() + other_root.square().sum()  # the traces of both covariances
    shared = torch.linalg.svdvals(root @ other_root.T).sum()
    value = (shift + spread - 2 * shared).clamp_min(0)  # rounding may leave -1e-15 of the traces
    return Metric(value.item(), name, len(real), len(fake))


def _moments(rows: Tensor) -> tuple[Tensor, Tensor]:
    """The mean ``(D,)``, and R ``(D, D)`` with Rᵀ R the covariance, which is divided by N - 1."""
    mean = rows.mean(0)
    return mean, torch.linalg.qr((rows - mean) / (len(rows) - 1) ** 0.5, mode="r").R
