"""Several models as one, whose cross-entropy is the loss of ensemble transfer attacks."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from advcourse.core.validation import check_answer, check_at_least, check_models


def check_weights(weights: Sequence[float], count: int) -> None:
    """``count`` weights, none negative, that sum to one."""
    if not isinstance(weights, Sequence) or isinstance(weights, str) or len(weights) != count:
        raise ValueError(f"weights is {weights!r}, expected {count} numbers: one per model")
    for weight in weights:
        check_at_least(0, weights=weight)
    if not math.isclose(sum(weights), 1, rel_tol=1e-6):
        raise ValueError(f"weights sum to {sum(weights):.6g}, expected 1")


class Ensemble(nn.Module):
    """See ``ensemble``."""

    def __init__(self, models: Sequence[nn.Module], weights: Sequence[float]):
        super().__init__()
        self.models = nn.ModuleList(models)
        self.log_weights = [math.log(weight) if weight else -math.inf for weight in weights]
        # A new module is in training, whatever its parts are.
        self.training = self.models.training = any(model.training for model in models)

    def forward(self, x: Tensor) -> Tensor:
        logits = [model(x) for model in self.models]
        for z in logits:
            check_answer(z, len(x))
        shapes = [tuple(z.shape) for z in logits]
        if len(set(shapes)) > 1:
            raise ValueError(f"models return {shapes}, expected logits of one shape: the same classes")
        terms = [F.log_softmax(z, 1) + weight for z, weight in zip(logits, self.log_weights, strict=True)]
        return torch.logsumexp(torch.stack(terms), 0)


def ensemble(models: Sequence[nn.Module], weights: Sequence[float] | None = None) -> Ensemble:
    """One model out of several: the logarithm of their mean probabilities.

    Its scores are::

        z(x) = log Σₖ αₖ softmax(zₖ(x))

    with zₖ the logits of model k. Its softmax is Σₖ αₖ Jₖ(x), Jₖ = softmax(zₖ), so that its cross-entropy with a
    label y is ``-log Σₖ αₖ Jₖ(x)_y``: every attack on it is the ensemble attack. Where each model is sure of itself
    the sum is taken in logarithms, so that nothing vanishes.

    Args:
        models: each maps images ``(N, C, H, W)`` to logits ``(N, K)``, the same K classes; kept in the mode
            each is in.
        weights: αₖ ≥ 0, summing to one; all equal where they are not given.

    Returns:
        A module that maps images to log-probabilities ``(N, K)``.

    Raises:
        ValueError: for bad input; the message names the argument. In the forward pass, where a model returns no logits
            or the models return different numbers of classes.

    Source: Liu, Chen, Liu & Song 2017, arXiv:1611.02770, section 5.
    """
    check_models(models)
    weights = [1 / len(models)] * len(models) if weights is None else weights
    check_weights(weights, len(models))
    return Ensemble(list(models), [float(weight) for weight in weights])
