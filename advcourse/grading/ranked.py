"""Checks of how an attack compares two images: by the loss of which the text speaks, in the precision of the images."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from advcourse.grading.checks import fail
from advcourse.grading.through import Listed, tried
from advcourse.grading.toys import Affine

Rows = tuple[list[float], list[float]]

SOFTMAX = "the loss is -log of the label's probability; F.cross_entropy takes logits: is there a softmax too many?"
ROUNDED = "are losses compared in float32, or after something large was added to them?"


def lure(label: int, classes: int, share: float, fooled: bool) -> Rows:
    """Logits of two images: the stronger one, and one that a loss of probabilities takes for stronger.

    The stronger one has less of the label, the rest shared equally; the other one all the rest in one class.

    Args:
        share: of the label in the stronger one: 0.1 / classes to 0.9 / classes if ``fooled``, else 0.5 to 0.55.
    """
    grown = share * (1.05 if fooled else 1.01)
    other = (label + 1) % classes
    stronger = [(1 - share) / (classes - 1)] * classes
    stronger[label] = share
    weaker = [0.0] * classes
    weaker[label], weaker[other] = grown, 1 - grown
    return _logits(stronger), _logits(weaker)


def nearly(label: int, classes: int, loss: float, gap: float) -> Iterator[Rows]:
    """Logits of two images that are fooled, the stronger one first: losses a little above ``loss``, and a little below.

    Args:
        gap: between the two losses, much less than ``loss``.
    """
    for high, low in ((2 * gap, gap), (-gap, -2 * gap)):
        yield _at_loss(label, classes, loss + high), _at_loss(label, classes, loss + low)


def told_apart(
    function: Callable,
    stronger: Sequence[float],
    weaker: Sequence[float],
    label: int,
    why: str,
    dtype: torch.dtype = torch.float64,
) -> None:
    """Of x_0 and x_1 comes back the one with the stronger logits, whether it is the first or the second.

    Args:
        why: what is probably wrong if it does not.
    """
    name = function.__name__
    defended = Listed([list(row) for row in (stronger, weaker, stronger, *[weaker] * 8)], dtype=dtype)
    up = torch.zeros(len(stronger), 4, dtype=dtype)
    up[label, 0] = -1
    images = torch.full((2, 1, 1, 4), 0.5, dtype=dtype)
    images[:, 0, 0, 0] = torch.tensor([0.0, 0.1])
    images[:, 0, 0, 2:] = torch.eye(2)
    labels = torch.full((2,), label)
    made = tried(function, defended, Affine(up, dtype=dtype), images, labels, 0.15, 0.1, 1)
    for n, best in enumerate((0, 1)):
        shown = made.iterates[n]
        if len(shown) != 2:
            fail(f"{name} showed `defended` {len(shown)} images for image {n}, expected x_0 and x_1")
        if not torch.allclose(made.images[n], shown[best], rtol=0, atol=1e-6):
            first, second = _losses(defended(shown), labels[n])
            fail(
                f"{name}: x_0 has the loss {first:.10g} and x_1 {second:.10g}, both "
                f"{_word(defended(shown), label)}; image {n} should come back as x_{best}: {why}"
            )


def _logits(shares: Sequence[float]) -> list[float]:
    return torch.tensor(shares, dtype=torch.float64).clamp_min(1e-12).log().tolist()


def _at_loss(label: int, classes: int, loss: float) -> list[float]:
    logits = [-40.0] * classes
    logits[label], logits[(label + 1) % classes] = 0.0, loss + math.log1p(-math.exp(-loss))
    return logits


def _losses(logits: Tensor, label: Tensor) -> list[float]:
    return F.cross_entropy(logits.double(), label.expand(len(logits)), reduction="none").tolist()


def _word(logits: Tensor, label: int) -> str:
    fooled = (logits.argmax(1) != label).tolist()
    return "fooled" if all(fooled) else "not fooled" if not any(fooled) else "fooled or not"
