"""Free adversarial training: the perturbation rises on the very gradient that the weights descend on."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from advcourse.core.balls import clip
from advcourse.core.running import detached
from advcourse.core.validation import check_above
from advcourse.training import Loss, standard_loss


def free(*, eps: float) -> Loss:
    """The loss of perturbed images, whose backward pass moves the perturbation, too.

    For ``training.fit(…, replays=m)``, which takes m steps on each batch. At each of them::

        θ ← θ - η ∇_θ ℓ(f_θ(x + δ), y),   δ ← clip(δ + ε sign(∇_δ ℓ(f_θ(x + δ), y)), -ε, ε)

    Both gradients come from one backward pass: a step costs what a standard one does. δ goes on from one batch to the
    next. It is part of the state dict; of several processes the first one's is kept.

    Args:
        eps: ε, of the linf ball, in pixel units of [0, 1].

    Source: Shafahi et al. 2019, arXiv:1904.12843, algorithm 1.
    """
    check_above(0, eps=eps)
    return _Free(float(eps))


class _Free(nn.Module):
    def __init__(self, eps: float):
        super().__init__()
        self.eps = eps
        self._delta: Tensor | None = None

    def forward(self, model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
        delta = self._of(images)
        x = clip(detached(images) + delta[: len(images)]).requires_grad_()
        if torch.is_grad_enabled():
            x.register_hook(partial(self._rise, delta))
        return standard_loss(model, x, labels)

    def _of(self, images: Tensor) -> Tensor:
        """δ for these images, with zeros where it was not yet."""
        delta = images.new_zeros(images.shape)
        if self._delta is not None and self._delta.shape[1:] == images.shape[1:]:
            held = self._delta.to(delta)
            delta = torch.cat([held, delta[len(held) :]])
        return delta

    def _rise(self, delta: Tensor, gradient: Tensor) -> None:
        risen = delta[: len(gradient)] + self.eps * gradient.sign()
        self._delta = torch.cat([risen.clamp(-self.eps, self.eps), delta[len(gradient) :]])

    def get_extra_state(self) -> dict[str, Tensor]:
        return {} if self._delta is None else {"delta": self._delta}

    def set_extra_state(self, state: dict[str, Tensor]) -> None:
        self._delta = state.get("delta")
