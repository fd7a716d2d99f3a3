"""What the attacks share: a model left as it was, per-image losses, gradients to the input, the best so far."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from advcourse.validation import check_choice, check_logits

Model = Callable[[Tensor], Tensor]
ImageLoss = Callable[[Tensor, Tensor], Tensor]


@contextmanager
def untouched(model: Model, images: Tensor, generator: torch.Generator | None = None) -> Iterator[None]:
    """Run the model in the mode it is in and leave no trace: buffers that a train-mode forward moves are put
    back, and where a ``generator`` is given the global random state too. Gradients are on inside, also
    under ``torch.no_grad()``.
    """
    training = isinstance(model, nn.Module) and any(module.training for module in model.modules())
    buffers = [(buffer, buffer.clone()) for buffer in model.buffers()] if training else []
    with ExitStack() as stack:
        if generator is not None:
            stack.enter_context(torch.random.fork_rng([images.device] if images.is_cuda else []))
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        try:
            yield
        finally:
            with torch.no_grad():
                for buffer, before in buffers:
                    buffer.data.copy_(before)  # through .data: a graph of the caller's may hold the buffer


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of each image, ``(N, K), (N,) -> (N,)``."""
    return F.cross_entropy(logits, labels, reduction="none")


def margin(logits: Tensor, labels: Tensor) -> Tensor:
    r"""Margin of each image, :math:`\max_{j\ne y} z_j - z_y`: positive where it is misclassified."""
    others = logits.scatter(1, labels[:, None], -torch.inf)
    return others.amax(1) - logits.gather(1, labels[:, None])[:, 0]


def nll(scores: Tensor, labels: Tensor) -> Tensor:
    """The label's score with its sign turned, :math:`-z_y`: the cross-entropy, where scores are log-probabilities."""
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


def logits_of(model: Model, x: Tensor, labels: Tensor, targets: Tensor | None = None) -> Tensor:
    """The model's logits, checked against the labels."""
    logits = model(x)
    check_logits(logits, labels, targets)
    return logits


def is_fooled(logits: Tensor, labels: Tensor, targets: Tensor | None = None) -> Tensor:
    """Per image: predicted as its target, or without targets as anything but its label; never where a logit is NaN."""
    predicted = logits.detach().argmax(1)
    fooled = predicted != labels if targets is None else predicted == targets
    return fooled & ~logits.detach().isnan().any(1)


def adam_(x: Tensor, gradient: Tensor, mean: Tensor, square: Tensor, step: int | Tensor, learning_rate: float) -> None:
    """One step of Adam down the gradient, in place; every entry goes its own way.

    Args:
        mean, square: running means of the gradient and of its square, zeros before the first step.
        step: its number, from 1; one for all, or a tensor that can be broadcast to ``x``.

    Source: Kingma & Ba 2015, arXiv:1412.6980, algorithm 1 with its constants.
    """
    mean.lerp_(gradient, 1 - 0.9)
    square.mul_(0.999).addcmul_(gradient, gradient, value=1 - 0.999)
    root = square.div(1 - 0.999**step).sqrt_().add_(1e-8).mul_(1 - 0.9**step)
    x.addcdiv_(mean, root, value=-learning_rate)


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


class Strongest:
    """The strongest iterate of each image so far: fooled first, then higher loss.

    Args:
        images: what is kept until :meth:`see` is first called, ``(N, C, H, W)``.
    """

    def __init__(self, images: Tensor):
        self.images = images.clone()
        self.fooled = torch.zeros(len(images), dtype=torch.bool, device=images.device)
        self.loss = torch.full((len(images),), -torch.inf, dtype=images.dtype, device=images.device)

    def see(self, x: Tensor, fooled: Tensor, loss: Tensor, rows: Tensor | slice = slice(None)) -> Tensor:
        """Compare the iterate ``x`` of the images ``rows`` with the best of each; which of them are better."""
        loss = loss.detach().to(self.loss.dtype)
        before, kept = self.fooled[rows], self.loss[rows]
        better = (fooled & ~before) | ((fooled == before) & (loss > kept))
        if isinstance(rows, slice):  # in place: memory traffic is what an attack costs beside its passes
            torch.where(better[:, None, None, None], x.detach(), self.images[rows], out=self.images[rows])
        else:
            self.images[rows[better]] = x.detach()[better]
        self.fooled[rows] = before | fooled
        self.loss[rows] = torch.where(better, loss, kept)
        return better


class Closest:
    """The closest adversarial image of each so far; the image itself where none was seen.

    Args:
        images: ``(N, C, H, W)``.
    """

    def __init__(self, images: Tensor):
        self.images = images.clone()
        self.distance = torch.full((len(images),), torch.inf, dtype=images.dtype, device=images.device)

    def see(self, x: Tensor, fooled: Tensor, distance: Tensor, rows: Tensor) -> None:
        """Keep those of ``x``, iterates of the images ``rows``, that fool from a smaller distance than before."""
        closer = fooled & (distance < self.distance[rows])
        self.images[rows[closer]] = x.detach()[closer]
        self.distance[rows[closer]] = distance[closer]
