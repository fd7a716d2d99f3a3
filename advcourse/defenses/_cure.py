"""CURE: curvature regularisation, a loss whose gradient must not turn."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from advcourse.core.balls import norms
from advcourse.core.losses import ImageLoss, image_loss
from advcourse.core.running import detached, eager, logits_of, untouched
from advcourse.core.validation import check_at_least, check_choice
from advcourse.defenses._crafting import MODES, Growing, crafting
from advcourse.training import Loss, standard_loss


def cure(*, h: float, lam: float, warmup: int = 0, mode: str = "eval", loss: str | ImageLoss = "ce") -> Loss:
    """The loss of the images, and how far its gradient turns on the way to where it points.

    For each image, with g = ∇ℓ(x)::

        z = h sign(g) / ‖sign(g)‖₂,   ℓ(x) + λ ‖∇ℓ(x + z) - g‖²

    For small h that is h² ‖H z / ‖z‖‖² with H the Hessian of ℓ. Both gradients are differentiated; z is a constant. The
    penalty is that of each image, in float32 also under autocast.

    Args:
        h: the distance, in pixel units of [0, 1].
        lam: λ, not negative. Published values belong to a penalty without the square and with gradients of the
            batch's mean: choose it on images held out.
        warmup: training steps over which ``h`` grows evenly, as the authors let it.
        mode: the model's mode in the penalty, as in ``adversarial``.
        loss: whose gradient is held straight, as in ``attacks.pgd``; what is fitted is the cross-entropy.

    Source: Moosavi-Dezfooli et al. 2019, arXiv:1811.09716, equation 8 (there with 1/h², which their code leaves out, as
    this does).
    """
    check_at_least(0, lam=lam)
    check_choice("mode", mode, MODES)
    bent = partial(curvature_penalty, loss=image_loss(loss))
    return Growing(partial(_cure, penalty=bent, lam=float(lam), mode=mode), "h", h, warmup)


def _cure(
    model: nn.Module, images: Tensor, labels: Tensor, h: float, *, penalty: partial[Tensor], lam: float, mode: str
) -> Tensor:
    with crafting(model, mode):
        turned = penalty(model, images, labels, h=h)
    return standard_loss(model, images, labels) + lam * turned.mean()


def curvature_penalty(
    model: nn.Module, images: Tensor, labels: Tensor, *, h: float, loss: str | ImageLoss = "ce"
) -> Tensor:
    """How far each image's gradient turns: ``‖∇ℓ(x + z) - ∇ℓ(x)‖²`` with z of length h along its sign, ``(N,)``.

    Its root over h is a curvature. It can be differentiated with respect to the weights.

    Args:
        model: maps images to logits; its buffers do not move.
        images: ``(N, C, H, W)`` in [0, 1]; x + z may leave the box.
        labels: int64 ``(N,)``.
        h: the distance, in pixel units of [0, 1].
        loss: as in ``attacks.pgd``.

    Source: as ``cure``.
    """
    per_image = image_loss(loss)
    with untouched(model, images), eager(), torch.autocast(images.device.type, enabled=False):
        x = detached(images).requires_grad_()
        slope = _slope(model, x, labels, per_image)
        with torch.no_grad():
            sign = slope.sign()
            z = sign * (h / norms(sign, "l2").clamp_min(1))[:, None, None, None]
        return (_slope(model, x + z, labels, per_image) - slope).flatten(1).square().sum(1)


def _slope(model: nn.Module, x: Tensor, labels: Tensor, per_image: ImageLoss) -> Tensor:
    """``∇ℓ(x)`` of each image, with a graph."""
    value = per_image(logits_of(model, x, labels), labels)
    (gradient,) = torch.autograd.grad(value.sum(), x, create_graph=True)
    return gradient
