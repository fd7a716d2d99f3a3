"""What the metrics return: numbers that say of what they are."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from advcourse.gan.metrics._inception import Inception

_OF_INCEPTION = {"FD": "FID", "KD": "KID", "CS": "IS"}


@dataclass(frozen=True)
class Metric:
    """A number and what it is of. ``print`` gives all of it in one line.

    Attributes:
        value: the number.
        name: of the metric and its extractor, as ``FD-mnist-cnn``.
        n_real: number of real images or rows; None where the metric looks at none.
        n_fake: number of generated ones.
        spread: standard deviation over splits or subsets (divided by their number), where there are such.
    """

    value: float
    name: str
    n_real: int | None
    n_fake: int
    spread: float | None = None

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        spread = "" if self.spread is None else f" ± {self.spread:.2g}"
        return f"{self.name} {self.value:.4g}{spread} ({_counted(self.n_real, self.n_fake)})"


@dataclass(frozen=True)
class PrecisionRecall:
    """Shares in [0, 1]: of the generated images that lie where real ones do, and of the real ones that are reached.

    Attributes:
        precision: fidelity.
        recall: variety.
        name: as ``PR-mnist-cnn``.
        n_real, n_fake: numbers of images.
        k: the neighbour that sets the radius of a ball.
    """

    precision: float
    recall: float
    name: str
    n_real: int
    n_fake: int
    k: int

    def __str__(self) -> str:
        shares = f"precision {self.precision:.3f}, recall {self.recall:.3f}"
        return f"{self.name} {shares} (k = {self.k}, {_counted(self.n_real, self.n_fake)})"


@dataclass(frozen=True)
class Coverage:
    """How many of the known modes a generator covers.

    Attributes:
        value: modes covered.
        of: modes there are.
        good: share of the samples that belong to a mode.
        name: what the modes are of.
        n_fake: number of samples.
        counts: samples that belong to each mode.
    """

    value: int
    of: int
    good: float
    name: str
    n_fake: int
    counts: tuple[int, ...]

    @property
    def kl(self) -> float:
        """KL(p ‖ u) = Σ pᵢ log(pᵢ M) of the modes' shares p of the good samples against M equal ones.

        Between 0 and log M, also where a mode is empty; NaN where no sample is good.
        """
        total = sum(self.counts)
        shares = [count / total for count in self.counts if count]
        return sum(share * math.log(share * self.of) for share in shares) if total else math.nan

    def __str__(self) -> str:
        return f"{self.name} {self.value} of {self.of} modes, {self.good:.1%} good ({_counted(None, self.n_fake)})"


def _counted(n_real: int | None, n_fake: int) -> str:
    return f"{n_fake} fake" if n_real is None else f"{n_real} real, {n_fake} fake"


def metric_name(metric: str, extractor: str | Callable) -> str:
    """The metric's name after its extractor: ``FD-mnist-cnn`` of ``"mnist/cnn"``, ``FID`` of ``Inception`` alone."""
    if isinstance(extractor, Inception):
        return _OF_INCEPTION.get(metric, f"{metric}-inception")
    if not isinstance(extractor, str) or not extractor.strip():
        came = repr(extractor) if isinstance(extractor, str) else f"a {type(extractor).__name__}"
        raise ValueError(f'extractor is {came}, expected the name of the network, as "mnist/cnn", or an Inception')
    if re.search(r"\b[fk]id\b", extractor, flags=re.IGNORECASE):
        raise ValueError(
            f'extractor is {extractor!r}, expected the name of the network, as "mnist/cnn": '
            "FID and KID are those of torch-fidelity's Inception alone (extractor=metrics.Inception())"
        )
    return f"{metric}-{extractor.strip().replace('/', '-')}"
