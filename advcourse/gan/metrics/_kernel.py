"""Kernel distance: the maximum mean discrepancy of features, without bias."""

from __future__ import annotations

import torch
from torch import Tensor

from advcourse.core.running import Model
from advcourse.core.validation import check_at_most, check_count
from advcourse.gan.metrics._checks import check_features, exact
from advcourse.gan.metrics._results import Metric, metric_name


@torch.no_grad()
def kernel_distance(
    real: Tensor,
    fake: Tensor,
    *,
    extractor: str | Model,
    subsets: int = 100,
    subset_size: int = 1000,
    degree: int = 3,
    generator: torch.Generator | None = None,
) -> Metric:
    """The squared maximum mean discrepancy with a polynomial kernel, a mean over random subsets.

    With k(x, y) = (xᵀy / D + 1)³ and m rows of each kind in a subset::

        1/(m(m-1)) Σ_{i≠j} k(xᵢ, xⱼ) + 1/(m(m-1)) Σ_{i≠j} k(yᵢ, yⱼ) - 2/m² Σ_{i,j} k(xᵢ, yⱼ)

    Unlike the Fréchet distance it has no bias, so that few images do; therefore it may be slightly negative.

    Args:
        real, fake: features ``(N, D)`` and ``(M, D)`` by one extractor.
        extractor: its name, as ``"mnist/cnn"``; or the ``Inception`` itself.
        subsets: how many are drawn.
        subset_size: m, at least 2 and at most N and M; a subset's rows are drawn without replacement.
        degree: of the kernel.
        generator: to draw with; torch's global one where it is not given.

    Returns:
        the mean and, as ``spread``, the standard deviation over the subsets; named ``KD-mnist-cnn``, or ``KID``.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Bińkowski, Sutherland, Arbel & Gretton 2018, arXiv:1801.01401: the kernel inception distance.
    """
    check_features(real=real, fake=fake)
    check_count(subsets=subsets, degree=degree)
    check_count(at_least=2, subset_size=subset_size)
    check_at_most(min(len(real), len(fake)), subset_size=subset_size)
    name, x, y = metric_name("KD", extractor), exact(real), exact(fake)
    found = []
    for _ in range(int(subsets)):
        a, b = (_drawn(rows, int(subset_size), generator) for rows in (x, y))
        found.append(_discrepancy(a, b, int(degree)))
    values = torch.stack(found)
    return Metric(values.mean().item(), name, len(real), len(fake), values.std(correction=0).item())


def _drawn(rows: Tensor, count: int, generator: torch.Generator | None) -> Tensor:
    device = rows.device if generator is None else generator.device
    return rows[torch.randperm(len(rows), generator=generator, device=device)[:count].to(rows.device)]


def _discrepancy(x: Tensor, y: Tensor, degree: int) -> Tensor:
    m = len(x)

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        return (a @ b.T / a.shape[1] + 1) ** degree

    within = sum(k.sum() - k.trace() for k in (kernel(x, x), kernel(y, y)))
    return within / (m * (m - 1)) - 2 * kernel(x, y).mean()
