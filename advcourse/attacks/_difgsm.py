"""Diverse-inputs FGSM, made to transfer: the gradient is taken at a randomly resized and padded image."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from advcourse.attacks._mifgsm import check_momentum, momentum_steps
from advcourse.core.running import Model, detached, untouched
from advcourse.core.validation import check_at_least, check_at_most, check_inputs
from advcourse.core.warps import sample


def difgsm(
    model: Model,
    images: Tensor,
    labels: Tensor,
    *,
    eps: float,
    steps: int = 10,
    step_size: float | None = None,
    decay: float = 1.0,
    probability: float = 0.5,
    smallest: float = 0.9,
    targets: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Diverse-inputs FGSM (with momentum, M-DI²-FGSM): the gradient is taken at a randomly resized and padded image.

    ``mifgsm`` with ∇ₓℓ(f(T(xᵏ)), y) in place of the gradient, T drawn anew in every step for every image by
    ``diversify``. ``decay=0`` is the paper's DI²-FGSM. Iterates are judged as they are, not as T shows them, which
    costs a forward pass: ``steps`` backward and ``2 * steps + 1`` forward passes.

    Args:
        model, images, labels, eps, steps, step_size, decay, targets: as in ``mifgsm``.
        probability: that T resizes an image; else it leaves it as it is.
        smallest: the smallest share of its side to which an image is resized, in [0, 1].
        generator: draws T; the global random state is then left as it was.

    Returns:
        Images ``(N, C, H, W)`` in [0, 1], within ``eps`` of ``images``, without a graph.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Xie et al. 2019, arXiv:1803.06978, equations 4 to 7.
    """
    check_inputs(model, images, labels, targets)
    check_momentum(eps, steps, step_size, decay)
    view = partial(diversify, probability=probability, smallest=smallest, generator=generator)
    with untouched(model, images, generator):
        return momentum_steps(model, detached(images), labels, targets, eps, int(steps), step_size, decay, view)


def diversify(
    images: Tensor, *, probability: float = 0.5, smallest: float = 0.9, generator: torch.Generator | None = None
) -> Tensor:
    """Each image, with that probability, shrunk by its own factor and laid at its own place on black.

    The sides keep their ratio up to whole pixels and are drawn uniformly from ``smallest`` times the image's to the
    image's; every place is as likely. The paper enlarges 299 pixels to between 299 and 330 and hands the network
    330: here the image is shrunk by as much, so that any network can take it.

    Args:
        images: ``(N, C, H, W)``.
        probability: that an image is resized.
        smallest: the smallest share of its side, in [0, 1].
        generator: draws.

    Returns:
        ``(N, C, H, W)``, differentiable in the images.

    Source: Xie et al. 2019, arXiv:1803.06978, section 3.2.
    """
    check_at_least(0, probability=probability, smallest=smallest)
    check_at_most(1, probability=probability, smallest=smallest)
    height, width = images.shape[2:]
    device = images.device if generator is None else generator.device
    draws = torch.rand(4, len(images), 1, 1, generator=generator, dtype=images.dtype, device=device).to(images.device)
    share = torch.where(draws[0] < probability, smallest + (1 - smallest) * draws[1], 1)
    tall, wide = (share * height).round().clamp_min(1), (share * width).round().clamp_min(1)
    top, left = (draws[2] * (height - tall + 1)).floor(), (draws[3] * (width - wide + 1)).floor()
    x = torch.arange(width, dtype=images.dtype, device=images.device) - left
    y = torch.arange(height, dtype=images.dtype, device=images.device)[:, None] - top
    inside = (x >= 0) & (x < wide) & (y >= 0) & (y < tall)
    # Pixel centres lie half a pixel in, at either size.
    x = ((x + 0.5) * (width / wide) - 0.5).clamp(0, width - 1).expand(-1, height, -1)
    y = ((y + 0.5) * (height / tall) - 0.5).clamp(0, height - 1).expand(-1, -1, width)
    return sample(images, x, y) * inside[:, None]
