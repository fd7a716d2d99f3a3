"""Neighbours among features: what an image was copied from; precision and recall."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from advcourse.core.running import Model
from advcourse.core.validation import check_at_most, check_count
from advcourse.gan.metrics._checks import check_features, exact
from advcourse.gan.metrics._results import PrecisionRecall, metric_name

_AT_A_TIME = 2**24  # distances that are held: 128 MiB
_SPARE = 8


class Neighbours(NamedTuple):
    """The nearest rows, the nearest first: their numbers, int64 ``(N, k)``, and how far they are, ``(N, k)``."""

    indices: Tensor
    distances: Tensor


@torch.no_grad()
def nearest_neighbours(queries: Tensor, bank: Tensor, k: int = 1) -> Neighbours:
    """The k rows of a bank that are nearest in l2 to each query: has a generator memorised its training images?

    Look at them side by side, and compare the distances with those of real test images to the same bank: a generator
    that copies is far closer to its training images than new images are.

    Args:
        queries: features ``(N, D)``, of generated images.
        bank: features ``(M, D)`` by the same extractor, of the training images.
        k: neighbours, at most M.

    Returns:
        numbers of the rows and distances, on the queries' device; a row that stands in the bank is at distance 0. Of
        rows equally far any may be named.

    Raises:
        ValueError: for bad input; the message names the argument.
    """
    check_features(queries=queries, bank=bank)
    check_count(k=k)
    check_at_most(len(bank), k=k)
    rows, others = _centred(queries, bank)
    indices, distances = [], []
    for part, squared in _squared(rows, others):
        near = squared.topk(min(int(k) + _SPARE, len(others)), largest=False).indices
        again = torch.stack([(others[column] - part).norm(dim=1) for column in near.T], 1)  # zero for itself
        ordered, order = again.sort(dim=1, stable=True)
        indices.append(near.gather(1, order)[:, : int(k)])
        distances.append(ordered[:, : int(k)])
    return Neighbours(torch.cat(indices).to(queries.device), torch.cat(distances).to(queries.device, queries.dtype))


@torch.no_grad()
def precision_recall(real: Tensor, fake: Tensor, *, extractor: str | Model, k: int = 3) -> PrecisionRecall:
    """Share of the fakes that lie among the real images, and of the real ones that lie among the fakes.

    Around each row of a set lies a ball that reaches its k-th neighbour in the set. A row of the other set lies among
    them where at least one ball holds it, its edge included::

        precision = share of fakes in a ball of the real,   recall = share of the real in a ball of the fakes

    Args:
        real, fake: features ``(N, D)`` and ``(M, D)`` by one extractor.
        extractor: its name, as ``"mnist/cnn"``; or the ``Inception`` itself.
        k: the neighbour that sets a ball's radius, less than N and M.

    Returns:
        both shares, named ``PR-mnist-cnn``.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Kynkäänniemi et al. 2019, arXiv:1904.06991, section 2.
    """
    check_features(real=real, fake=fake)
    check_count(k=k)
    check_at_most(min(len(real), len(fake)) - 1, k=k)
    name, (y, x) = metric_name("PR", extractor), _centred(fake, real)
    precision, recall = _share_within(y, x, int(k)), _share_within(x, y, int(k))
    return PrecisionRecall(precision, recall, name, len(real), len(fake), int(k))


def _share_within(rows: Tensor, others: Tensor, k: int) -> float:
    """Share of the rows that lie in a ball around one of the others."""
    radius = torch.cat([squared.kthvalue(k + 1, dim=1).values for _, squared in _squared(others, others)])
    largest = torch.cat([rows, others]).square().sum(1).max()
    reach = radius + 16 * torch.finfo(largest.dtype).eps * largest  # what rounding moves: the edge belongs to the ball
    return torch.cat([(squared <= reach).any(1) for _, squared in _squared(rows, others)]).double().mean().item()


def _centred(rows: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """Both less the mean of the others: the distances are as before, and lose least to rounding."""
    middle = exact(others).mean(0)
    return exact(rows) - middle, exact(others) - middle


def _squared(rows: Tensor, others: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Some rows after others, each with its squared distances ‖a‖² - 2 aᵀb + ‖b‖² from all others."""
    lengths = others.square().sum(1)
    for part in rows.split(max(1, _AT_A_TIME // len(others))):
        yield part, (part.square().sum(1, keepdim=True) - 2 * part @ others.T + lengths).clamp_min_(0)
