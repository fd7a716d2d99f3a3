"""What is asked instead of a model: its answers, whom they are billed to, and how it refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

from advcourse.core.validation import check_logits

SCORES = ("logits", "probabilities")


class OracleError(RuntimeError):
    """An oracle did not answer. What an attack that it ended had found by then is in ``images``, ``(N, C, H, W)``."""

    images: Tensor | None = None


class QueryBudgetExceeded(OracleError):
    """A call would have taken more queries than an image has left; nothing of it was asked or billed."""


class TopK(NamedTuple):
    """The k likeliest classes, the likeliest first, int64 ``(M, k)``, and their probabilities ``(M, k)``."""

    classes: Tensor
    probabilities: Tensor


Answers = Tensor | TopK


@runtime_checkable
class Asked(Protocol):
    """What every black-box method asks: an ``Oracle`` in this process, or an ``HttpOracle`` across a wire."""

    reveals: str
    k: int | None
    budget: int | None

    def __call__(self, x: Tensor, rows: Tensor | None = None) -> Any: ...
    def left(self, rows: Tensor) -> Tensor: ...
    def queries(self, rows: Tensor) -> Tensor: ...


def check_reveals(oracle: Asked, reveals: tuple[str, ...], name: str = "oracle") -> None:
    """It reveals what a method needs."""
    if oracle.reveals not in reveals:
        raise ValueError(f"{name} reveals {oracle.reveals!r}, expected {' or '.join(map(repr, reveals))}")


def scores_of(
    oracle: Asked, x: Tensor, labels: Tensor, targets: Tensor | None = None, rows: Tensor | None = None
) -> Tensor:
    """Logits ``(M, K)`` of an oracle, billed to ``rows`` of the set: where it reveals probabilities their logarithms,
    which are logits as well.
    """
    answers = oracle(x, rows)
    check_logits(answers, labels, targets)
    answers = answers.to(x.dtype)
    return answers if oracle.reveals == "logits" else answers.clamp_min(torch.finfo(x.dtype).tiny).log()


@contextmanager
def keeping(found: Callable[[], Tensor]) -> Iterator[None]:
    """Where the oracle fails inside, its error carries what was ``found`` by then."""
    try:
        yield
    except OracleError as error:
        error.images = found().detach().clone()
        raise
