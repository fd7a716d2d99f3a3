"""The gradient penalty of WGAN-GP, and the gradients of a critic that it is made of."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor, nn

from advcourse.core.running import BATCH_NORMS
from advcourse.core.streams import Streams
from advcourse.core.validation import check_flag
from advcourse.gan._variant import Chance, Critic, check_matched, scores


def gradient_penalty(
    critic: Critic, real: Tensor, fake: Tensor, *, one_sided: bool = False, generator: Chance = None
) -> Tensor:
    """How far the critic's slope is from one, at a point between each real image and a made one.

    With one ε ∼ U[0, 1) for each pair, and the norm over all of an image::

        x̂ = ε x + (1 - ε) x̃,   (‖∇ D(x̂)‖₂ - 1)²

    The critic that solves the Wasserstein problem has slope one almost everywhere on such lines. It can be
    differentiated with respect to the critic's weights; neither ``real`` nor ``fake`` gets a gradient.

    Args:
        critic: D, images ``(N, …)`` to one number each; not with batch normalisation, which makes an image's slope
            that of its neighbours, too: a warning names the layer.
        real, fake: x and x̃, ``(N, …)``, of one shape.
        one_sided: only slopes above one count, ``max(0, ‖∇ D(x̂)‖₂ - 1)²``.
        generator: of the draws of ε; or ε itself, ``(N,)``.

    Returns:
        ``(N,)``, in float32 at least, under autocast too.

    Raises:
        ValueError: for shapes that differ, or a critic that does not give one number an image.

    Source: Gulrajani et al. 2017, arXiv:1704.00028, algorithm 1 and equation 3; one-sided: section 4.
    """
    check_matched(real, fake)
    check_flag(one_sided=one_sided)
    share = _uniform(real, generator).view(-1, *[1] * (real.dim() - 1))
    between = share * real + (1 - share) * fake
    excess = torch.linalg.vector_norm(slopes(critic, between).flatten(1), dim=1) - 1
    return (excess.relu() if one_sided else excess).square()


def slopes(critic: Critic, x: Tensor) -> Tensor:
    """``∇ D(x)`` of each image by itself, with a graph to the critic's weights; in float32 at least."""
    with torch.autocast(x.device.type, enabled=False):
        x = x.detach().float() if x.dtype in (torch.float16, torch.bfloat16) else x.detach()
        if torch.compiler.is_compiling():  # autograd.grad inside a compiled function would lose the graph
            return torch.func.grad(lambda at: scores(critic, at).sum())(x)
        _warn_of_batch_norm(critic)
        with torch.enable_grad():
            x = x.requires_grad_()
            (gradient,) = torch.autograd.grad(scores(critic, x).sum(), x, create_graph=True)
        return gradient


def _uniform(x: Tensor, generator: Chance) -> Tensor:
    if isinstance(generator, Tensor):
        return generator
    if isinstance(generator, Streams):
        return generator.rand()
    device = x.device if generator is None else generator.device
    return torch.rand(len(x), generator=generator, dtype=x.dtype, device=device).to(x.device)


def _warn_of_batch_norm(critic: Critic) -> None:
    for name, module in critic.named_modules() if isinstance(critic, nn.Module) else ():
        if isinstance(module, BATCH_NORMS) and module.training:
            warnings.warn(
                f"critic has batch normalisation ({name or type(module).__name__}): its slope at an image depends on "
                "the others of the batch, and its penalty is not its own; layer normalisation has no such trouble",
                stacklevel=3,
            )
            return
