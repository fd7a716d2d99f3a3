"""Per-image losses ``(N, K), (N,) -> (N,)``, and their gradient with respect to the images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
import torch.nn.functional as F
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


def divergence(logits: Tensor, others: Tensor) -> Tensor:
    """Kullback-Leibler divergence of each image, ``Σⱼ pⱼ log(pⱼ / qⱼ)``, of the probabilities p and q, ``(N,)``."""
    return F.kl_div(others.log_softmax(1), logits.log_softmax(1), reduction="none", log_target=True).sum(1)


def margin(logits: Tensor, labels: Tensor) -> Tensor:
    """Margin of each image, ``max_{j≠y} zⱼ - z_y``: positive where it is misclassified."""
    others = logits.scatter(1, labels[:, None], -torch.inf)
    return others.amax(1) - logits.gather(1, labels[:, None])[:, 0]


def dlr(logits: Tensor, labels: Tensor) -> Tensor:
    """Difference of logits ratio, the ``margin`` over the distance of the first and the third of the sorted logits::

        (max_{j≠y} zⱼ - z_y) / (z_π₁ - z_π₃)

    No shift and no scale of the logits changes it. Two classes have no third: there it is the margin.

    Source: Croce & Hein 2020, arXiv:2003.01690, equation 6.
    """
    if logits.shape[1] < 3:
        return margin(logits, labels)
    first, _, third = logits.topk(3, dim=1).values.unbind(1)
    return margin(logits, labels) / _scale(first - third, logits)


def targeted_dlr(logits: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
    """Targeted difference of logits ratio, which rises as the target overtakes the label::

        (z_t - z_y) / (z_π₁ - (z_π₃ + z_π₄) / 2)

    Below four classes it is the target's margin, z_t - max_{j≠t} zⱼ.

    Source: Croce & Hein 2020, arXiv:2003.01690, equation 7.
    """
    if logits.shape[1] < 4:
        return -margin(logits, targets)
    first, _, third, fourth = logits.topk(4, dim=1).values.unbind(1)
    reached, label = (logits.gather(1, classes[:, None])[:, 0] for classes in (targets, labels))
    return (reached - label) / _scale(first - (third + fourth) / 2, logits)


def _scale(difference: Tensor, logits: Tensor) -> Tensor:
    """The difference; where the logits that it is made of tie, the distance of the last from the first, or one."""
    whole = (logits.amax(1) - logits.amin(1)).detach()
    return torch.where(difference > 0, difference, torch.where(whole > 0, whole, torch.ones_like(whole)))


def nll(scores: Tensor, labels: Tensor) -> Tensor:
    """The label's score with its sign turned, ``-z_y``: the cross-entropy, where scores are log-probabilities."""
    return -scores.gather(1, labels[:, None])[:, 0]


def rising(loss: ImageLoss, logits: Tensor, labels: Tensor, targets: Tensor | None = None) -> Tensor:
    """What an attack raises, ``(N,)``: the loss of the labels or, where targets are given, minus the loss of those; for
    ``dlr`` the ``targeted_dlr``.
    """
    if targets is None:
        return loss(logits, labels)
    return targeted_dlr(logits, labels, targets) if loss is dlr else -loss(logits, targets)


LOSSES: dict[str, ImageLoss] = {"ce": cross_entropy, "dlr": dlr, "margin": margin, "nll": nll}


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
        if logits.requires_grad and not values.requires_grad:
            raise ValueError("loss returned values without a graph to the logits, expected differentiable ones")
        return values

    return checked


def input_gradient(loss: Tensor, x: Tensor, retain_graph: bool = False, *, through: Tensor | None = None) -> Tensor:
    """Gradient of the summed per-image losses with respect to ``x`` alone.

    Each image's row is its own gradient, whatever the batch size. It is zero where it is not finite; ``watching``
    learns of these, and of those that are zero throughout.

    Args:
        loss: ``(N,)``.
        x: what it depends on.
        retain_graph: for another gradient of the same graph.
        through: the images shown, where ``x`` makes them and the loss depends on ``x`` in other ways too.

    Raises:
        ValueError: where no graph leads from the model's answer to ``x`` (or to ``through``).
    """
    sought = [x] if through is None else [x, through]
    found = (
        torch.autograd.grad(loss.sum(), sought, retain_graph=retain_graph, allow_unused=True)
        if loss.requires_grad
        else ()
    )
    gradients = [gradient for gradient in found if gradient is not None]
    if len(gradients) < len(sought):
        raise ValueError(
            "model returned logits without a graph to the images, expected differentiable ones: a forward pass under "
            "torch.no_grad(), through NumPy or detach() looks robust to gradients, and to nothing else"
        )
    note_vanishing(gradients[-1])
    # Not in place: behind a sum or a mean the gradient is one value expanded to all pixels.
    gradient = gradients[0].nan_to_num(0.0, 0.0, 0.0)
    last = x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last)
    return gradient.contiguous(memory_format=torch.channels_last) if last else gradient.contiguous()


_first: ContextVar[list[Tensor] | None] = ContextVar("first gradients", default=None)


@contextmanager
def watching() -> Iterator[list[Tensor]]:
    """Which images' first gradients vanish inside: a list of one mask ``(N,)``, empty where none was taken."""
    seen: list[Tensor] = []
    token = _first.set(seen)
    try:
        yield seen
    finally:
        _first.reset(token)


def note_vanishing(gradient: Tensor) -> None:
    """Tell ``watching`` which of these gradients are zero or not finite, if they are the first."""
    seen = _first.get()
    if seen is not None and not seen:
        rows = gradient.flatten(1)
        seen.append((rows == 0).all(1) | ~rows.isfinite().all(1))
