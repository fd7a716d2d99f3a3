"""Per-image losses ``(N, K), (N,) -> (N,)``, and their gradient with respect to the images."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from advcourse.core.validation import check_choice

ImageLoss = Callable[[Tensor, Tensor], Tensor]


def log_odds(logits: Tensor, labels: Tensor) -> Tensor:
    """Log-odds against the label, m = log Σ_{j≠y} exp zⱼ - z_y: it rises with the cross-entropy and never flattens."""
    others = logits.scatter(1, labels[:, None], -torch.inf)
    return others.logsumexp(1) - logits.gather(1, labels[:, None])[:, 0]


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of each image, ``(N, K), (N,) -> (N,)``, as log(1 + exp m) with m the ``log_odds``.

    Where the label is far ahead that is exp m, which the difference of a logit and a logsumexp rounds to zero.
    """
    m = log_odds(logits, labels)
    return torch.logaddexp(m, torch.zeros_like(m))


def margin(logits: Tensor, labels: Tensor) -> Tensor:
    """Margin of each image, ``max_{j≠y} zⱼ - z_y``: positive where it is misclassified."""
    others = logits.scatter(1, labels[:, None], -torch.inf)
    return others.amax(1) - logits.gather(1, labels[:, None])[:, 0]


def nll(scores: Tensor, labels: Tensor) -> Tensor:
    """The label's score with its sign turned, ``-z_y``: the cross-entropy, where scores are log-probabilities."""
    return -scores.gather(1, labels[:, None])[:, 0]


def rising(loss: ImageLoss, logits: Tensor, labels: Tensor, targets: Tensor | None = None) -> Tensor:
    """What an attack raises, ``(N,)``: the loss of the labels or, where targets are given, minus the loss of those."""
    return loss(logits, labels) if targets is None else -loss(logits, targets)


LOSSES: dict[str, ImageLoss] = {"ce": cross_entropy, "margin": margin, "nll": nll}


def image_loss(loss: str | ImageLoss) -> ImageLoss:
    """The loss of that name, or the callable itself, whose result is then checked to be one per image."""
    if not callable(loss):
        check_choice("loss", loss, tuple(LOSSES))
        return LOSSES[loss]

    def checked(logits: Tensor, labels: Tensor) -> Tensor:
        values = loss(logits, labels)
        if not isinstance(values, Tensor) or values.shape != labels.shape:
            came = tuple(values.shape) if isinstance(values, Tensor) else type(values).__name__
            raise ValueError(f"loss returned {came}, expected one value per image, ({len(labels)},)")
        if not values.is_floating_point():
            raise ValueError(f"loss returned {values.dtype}, expected floating point")
        return values

    return checked


def input_gradient(loss: Tensor, x: Tensor, retain_graph: bool = False) -> Tensor:
    """Gradient of the summed per-image losses with respect to ``x`` alone.

    Each image's row is its own gradient, whatever the batch size. It is zero where the loss does not
    depend on ``x``, and where it is not finite.
    """
    if not loss.requires_grad:
        return torch.zeros_like(x)
    (gradient,) = torch.autograd.grad(loss.sum(), x, retain_graph=retain_graph, allow_unused=True)
    # Not in place: behind a sum or a mean the gradient is one value expanded to all pixels.
    return torch.zeros_like(x) if gradient is None else gradient.nan_to_num(0.0, 0.0, 0.0)
