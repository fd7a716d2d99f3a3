"""MART: adversarial training that asks most of what is misclassified already."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from advcourse.core.losses import cross_entropy, divergence
from advcourse.core.running import logits_of
from advcourse.core.validation import check_at_least
from advcourse.defenses._crafting import Crafter, crafted, grown
from advcourse.training import Loss


def mart(attack: Crafter, *, beta: float = 5.0, eps: float | None = None, warmup: int = 0, mode: str = "eval") -> Loss:
    """The loss of attacked images with a margin, and a stable answer where the image itself is not sure of its label.

    With p the probabilities at x and p̃ those at the attacked image x̃::

        -log p̃_y - log(1 - max_{j≠y} p̃ⱼ) + β KL(p ‖ p̃) (1 - p_y)

    Args:
        attack: ``(model, images, labels) -> images``.
        beta: β, not negative.
        eps, warmup, mode: as in ``adversarial``.

    Source: Wang et al. 2020, "Improving adversarial robustness requires revisiting misclassified examples" (ICLR),
    equations 7, 8 and 11.
    """
    check_at_least(0, beta=beta)
    return grown(partial(_mart, beta=float(beta)), attack, eps, warmup, mode)


def _mart(model: nn.Module, images: Tensor, labels: Tensor, *, attack: Crafter, beta: float, mode: str) -> Tensor:
    moved = crafted(attack, model, images, labels, mode)
    clean, attacked = logits_of(model, images, labels), logits_of(model, moved, labels)
    unsure = 1 - clean.softmax(1).gather(1, labels[:, None])[:, 0]
    boosted = cross_entropy(attacked, labels) - _log_of_the_rest(attacked, labels)
    return (boosted + beta * divergence(clean, attacked) * unsure).mean()


def _log_of_the_rest(logits: Tensor, labels: Tensor) -> Tensor:
    """``log(1 - max_{j≠y} pⱼ)``, the log of what all classes but the strongest wrong one have together."""
    strongest = logits.scatter(1, labels[:, None], -torch.inf).argmax(1)
    rest = logits.scatter(1, strongest[:, None], -torch.inf)
    return rest.logsumexp(1) - logits.logsumexp(1)
