"""The critic's loss with its gradient as one compiled function."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad_and_value

from advcourse.gan._variant import Variant
from advcourse.training.loop import precision

State = dict[str, Tensor]


def critic_gradients(
    critic: nn.Module, variant: Variant, mixed_precision: str | None, backend: str = "inductor"
) -> Callable[..., Tensor]:
    """``(real, fake, ε) -> mean loss``, which leaves the gradient in the ``.grad`` of the critic's parameters.

    A compiled module cannot be differentiated twice. Here all of the loss, the gradient inside the penalty and that of
    the whole, is a function of the weights, and compiled as such.

    Args:
        critic: whose weights count; its buffers move as they do without.
        variant: whose loss it is.
        mixed_precision: ``"bf16"``, but for gradients within the loss; ``"no"``, or None.
        backend: of ``torch.compile``.
    """

    def loss(weights: State, buffers: State, real: Tensor, fake: Tensor, share: Tensor) -> Tensor:
        def answer(x: Tensor) -> Tensor:
            return functional_call(critic, (weights, buffers), (x,))

        with precision(real.device, mixed_precision):
            return variant.critic_loss(answer, real, fake, share).mean()

    def gradients(*given: Any) -> tuple[State, Tensor]:
        return grad_and_value(loss)(*given)

    # The compiler gives up on a code object that it has met eight times: each critic gets a copy of its own.
    own = FunctionType(gradients.__code__.replace(), globals(), closure=gradients.__closure__)
    compiled = torch.compile(own, fullgraph=True, backend=backend)

    def step(real: Tensor, fake: Tensor, share: Tensor) -> Tensor:
        weights = dict(critic.named_parameters())
        values = {name: each.detach() for name, each in weights.items()}
        slopes, mean = compiled(values, dict(critic.named_buffers()), real, fake, share)
        for name, parameter in weights.items():
            parameter.grad = slopes[name]
        return mean.detach()

    return step
