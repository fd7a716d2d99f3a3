"""The best epoch of a run, and when to stop waiting for a better one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from torch import Tensor, nn


class Best:
    """The weights of the epoch with the highest score.

    Args:
        model: whose weights and buffers are kept.
        score: ``model -> number``.
        patience: epochs in a row without a higher one that are enough; None: never.
    """

    def __init__(self, model: nn.Module, score: Callable[[nn.Module], float], patience: int | None) -> None:
        self.model, self.score, self.patience = model, score, patience
        self.highest, self.waited = -math.inf, 0
        self.weights: dict[str, Tensor] = {}

    @property
    def waited_enough(self) -> bool:
        return self.patience is not None and self.waited >= self.patience

    def see(self, model: nn.Module) -> float:
        """Score the model as it is, and keep it where that is the highest; NaN is none."""
        found = float(self.score(model))
        self.waited += 1
        if found > self.highest:
            self.highest, self.waited = found, 0
            self.weights = {name: held.detach().clone() for name, held in model.state_dict().items()}
        return found

    def restore(self) -> None:
        """Put the weights back into the model."""
        if self.weights:
            self.model.load_state_dict(self.weights)

    def state_dict(self) -> dict[str, Any]:
        return {"highest": self.highest, "waited": self.waited, "weights": self.weights}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.highest, self.waited, self.weights = (state_dict[name] for name in ("highest", "waited", "weights"))
