"""Expectation over transformation: a model seen through a random transform, averaged over draws."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from advcourse.core.running import Model
from advcourse.core.validation import check_answer, check_callable, check_count
from advcourse.wrappers._transforms import Transform


def eot(
    model: Model,
    transform: Transform,
    samples: int,
    *,
    generator: torch.Generator | None = None,
    batch_size: int | None = None,
) -> nn.Module:
    """The model that any attack can be run against in place of one behind a random transform.

    Its scores are::

        F(x)ₖ = (1/n) Σᵢ₌₁ⁿ log softmax(f(tᵢ(x)))ₖ,  tᵢ ~ T

    With the loss ``-F(x)_y`` (``loss="nll"``) its gradient is the mean of the n draws' gradients of the
    cross-entropy, an unbiased estimate of ∇ₓ 𝔼ₜ ℓ(f(t(x)), y). With ``loss="ce"`` it is that of the cross-entropy of
    the mean logits, another function: there every draw is weighed by the softmax of the averaged logits, in place of
    its own.

    Every forward pass draws anew for every image, so that the steps of an attack see different draws. The iterate it
    finds strongest then owes something to luck: success is to be measured on fresh draws, more than once. A batch
    does not give what its images give alone, since the draws differ.

    Args:
        model: maps images to logits ``(N, K)``.
        transform: ``(images, generator) -> images``, differentiable, with a draw of its own for each image.
        samples: draws per image and pass, n. A pass costs so many rows of the model, forward and backward.
        generator: all draws come from it, and it moves on from pass to pass: the same seed gives the same passes in
            the same order. Without one they come from the global state, which an attack that is itself given a
            generator puts back: its every call would then see the same draws.
        batch_size: rows (draws x images) that go through the model at a time; all at once where it is not given.
            Where gradients are asked for, each such batch is run again in the backward pass instead of being kept:
            the memory is that of one batch, for a second forward pass.

    Returns:
        A module that maps images ``(N, C, H, W)`` to mean log-probabilities ``(N, K)``. ``evaluation.evaluate``
        and ``core.running.count_passes`` count the passes of this module; give them ``model`` to count the rows.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Athalye, Engstrom, Ilyas & Kwok 2018, arXiv:1707.07397, section 2.
    """
    check_callable(model=model, transform=transform)
    check_count(samples=samples)
    check_count(optional=True, batch_size=batch_size)
    return _Expectation(model, transform, int(samples), generator, None if batch_size is None else int(batch_size))


class _Expectation(nn.Module):
    def __init__(
        self,
        model: Model,
        transform: Transform,
        samples: int,
        generator: torch.Generator | None,
        batch_size: int | None,
    ):
        super().__init__()
        self.model, self.transform, self.samples = model, transform, samples
        self.generator, self.batch_size = generator, batch_size

    def forward(self, images: Tensor) -> Tensor:
        seen = self.transform(images.repeat(self.samples, 1, 1, 1), self.generator)
        if len(seen) != self.samples * len(images):
            raise ValueError(f"transform returned {len(seen)} images, expected {self.samples * len(images)}")
        if self.batch_size is None or len(seen) <= self.batch_size:
            logits = self.model(seen)
        else:
            again = torch.is_grad_enabled() and seen.requires_grad
            logits = torch.cat(
                [
                    checkpoint(self.model, rows, use_reentrant=False) if again else self.model(rows)
                    for rows in seen.split(self.batch_size)
                ]
            )
        check_answer(logits, len(seen))
        return logits.log_softmax(1).unflatten(0, (self.samples, len(images))).mean(0)
