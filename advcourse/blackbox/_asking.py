"""What black-box methods share: who has queries left, and losses of what is revealed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from advcourse.blackbox._oracle import check_oracle
from advcourse.core.iterates import Strongest
from advcourse.core.losses import ImageLoss, rising
from advcourse.core.oracles import SCORES, Answers, Asked, QueryBudgetExceeded, TopK, keeping, scores_of
from advcourse.core.running import detached, is_fooled
from advcourse.core.validation import check_attacked, check_count, check_indices


class Asking:
    """An attack's questions about a set of images, each within its own ``queries`` and what the oracle has left for it.

    Args:
        oracle: what is asked.
        images, labels, targets: as in every attack.
        indices: int64 ``(N,)``: where in the set each image stands, which is whom its queries are billed to.
        queries: at most so many for each image by this attack; no limit but the oracle's where not given.
        reveals: what the method can use.
    """

    def __init__(
        self,
        oracle: Asked,
        images: Tensor,
        labels: Tensor,
        targets: Tensor | None,
        indices: Tensor | None,
        queries: int | None,
        reveals: tuple[str, ...] = SCORES,
    ):
        check_oracle(oracle, reveals)
        check_attacked(images, labels, targets)
        if indices is not None:
            check_indices(indices, images)
        check_count(optional=True, queries=queries)
        self.oracle, self.labels, self.targets, self.most = oracle, labels, targets, queries
        self.numbers = torch.arange(len(images), device=images.device) if indices is None else indices
        self.spent = torch.zeros_like(labels)

    def left(self, rows: Tensor) -> Tensor:
        """Queries that those images still have, int64."""
        left = self.oracle.left(self.numbers[rows])
        return left if self.most is None else left.minimum(self.most - self.spent[rows])

    def affordable(self, rows: Tensor, cost: int) -> Tensor:
        """Those of the images that have so many queries left."""
        return rows[self.left(rows) >= cost]

    def unfooled(self, images: Tensor) -> Tensor:
        """The rows that a look at each of the images, which is paid for, leaves to be fooled."""
        rows = self.affordable(torch.arange(len(images), device=images.device), 1)
        return rows[~self.decided(images[rows], rows)] if len(rows) else rows

    def check_affordable(self, rows: Tensor, cost: int) -> None:
        """Every one of the images has so many queries left."""
        left = self.left(rows)
        if (left < cost).any():
            row = int((left < cost).nonzero()[0, 0])
            number, has = int(self.numbers[rows[row]]), int(left[row])
            raise QueryBudgetExceeded(f"image {number} has {has} queries left, and {cost} were asked for")

    def __call__(self, x: Tensor, rows: Tensor) -> Answers:
        """Ask about ``x``, query i of which is for image ``rows[i]``."""
        answers = self.oracle(x, self.numbers[rows])
        self._note(rows)
        return answers

    def _note(self, rows: Tensor) -> None:
        self.spent.index_add_(0, rows, torch.ones_like(rows))

    def scores(self, x: Tensor, rows: Tensor) -> Tensor:
        """Logits, or logarithms of probabilities, which are logits as well: ``(M, K)``."""
        targets = None if self.targets is None else self.targets[rows]
        scores = scores_of(self.oracle, x, self.labels[rows], targets, self.numbers[rows])
        self._note(rows)
        return scores

    def fooled(self, scores: Tensor, rows: Tensor) -> Tensor:
        """Which of the images are misclassified, or predicted as their targets."""
        return is_fooled(scores, self.labels[rows], None if self.targets is None else self.targets[rows])

    def loss(self, loss: ImageLoss, scores: Tensor, rows: Tensor) -> Tensor:
        """What is to rise, ``(M,)``."""
        return rising(loss, scores, self.labels[rows], None if self.targets is None else self.targets[rows])

    def decided(self, x: Tensor, rows: Tensor) -> Tensor:
        """Which of the images fool, by whatever is revealed: their likeliest class counts."""
        answers = self(x, rows)
        if isinstance(answers, TopK):
            likeliest = answers.classes[:, 0]
        else:
            likeliest = answers if self.oracle.reveals == "label" else answers.argmax(1)
        return likeliest != self.labels[rows] if self.targets is None else likeliest == self.targets[rows]


@contextmanager
def started(images: Tensor) -> Iterator[Strongest]:
    """The strongest so far of images that are on their way, kept where the oracle fails inside; no graph is made."""
    strongest = Strongest(detached(images))
    with torch.inference_mode(False), torch.no_grad(), keeping(lambda: strongest.images):
        yield strongest
