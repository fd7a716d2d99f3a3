"""Universal perturbations: one change of the pixels that fools a network on most images."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from tqdm import tqdm

from advcourse.attacks.balls import steepest, within_
from advcourse.attacks.common import Model, cross_entropy, input_gradient, is_fooled, logits_of, untouched
from advcourse.attacks.deepfool import deepfool
from advcourse.box import clip
from advcourse.inference import predict
from advcourse.validation import (
    check_at_least,
    check_at_most,
    check_choice,
    check_classes,
    check_count,
    check_images,
    check_model,
    check_module,
    check_perturbation,
)

if TYPE_CHECKING:
    import pandas

NORMS = ("linf", "l2")
METHODS = ("deepfool", "sgd")


def universal(
    model: Model,
    images: Tensor,
    *,
    eps: float,
    norm: str = "linf",
    method: str = "deepfool",
    delta: float = 0.2,
    epochs: int = 10,
    batch_size: int | None = None,
    steps: int = 10,
    overshoot: float = 0.02,
    candidates: int | None = None,
    step_size: float | None = None,
    momentum: float = 0.9,
    cap: float = 9.0,
    generator: torch.Generator | None = None,
    progress: bool = True,
) -> Tensor:
    r"""One perturbation v, :math:`\|v\|_p\le\varepsilon`, that changes the prediction of most images.

    Sought is :math:`\hat k(\mathrm{clamp}_{[0,1]}(x+v)) \ne \hat k(x)` for a share of at least
    :math:`1-\delta` of the images, where :math:`\hat k(x)` is the prediction of the image itself: no labels are
    needed. Only the image shown is cut at the box, never v.

    ``"deepfool"``: for the images of each batch that v does not fool, the smallest change that does,

    .. math:: v \leftarrow \Pi_\varepsilon\Bigl(v + \sum_i \Delta v_i\Bigr),\qquad
       \Delta v_i = \arg\min_r \|r\|_2 \ \text{s.t.}\ \hat k(x_i+v+r)\ne\hat k(x_i),

    by DeepFool. With ``batch_size=1`` this is the paper's algorithm, word for word. ``"sgd"``: ascent of the
    capped loss, whose gradient over a batch is one backward pass per image,

    .. math:: g \leftarrow \mu g + \frac{\bar g}{\|\bar g\|_1},\quad
       \bar g = \nabla_v \frac1B\sum_i \min\{\ell(f(x_i+v), \hat k(x_i)), \beta\},\qquad
       v \leftarrow \Pi_\varepsilon\bigl(v + \alpha\,d(g)\bigr)

    with d the sign (linf) or the normalised direction (l2). Both stop after the first pass over the images at
    whose end more than 1 - delta of them are fooled, and return the v that fooled most at the end of a pass (of
    equals the latest). Costs a forward pass per image for the predictions and one per image and pass to count the
    fooled; and per image and pass one forward and one backward pass (``"sgd"``), or DeepFool's (one forward where
    v fools already).

    Args:
        model: maps images to logits ``(N, K)``; runs in the mode it is in.
        images: ``(N, C, H, W)`` in [0, 1], to learn from.
        eps: radius of the ball, in pixel units of [0, 1].
        norm: ``"linf"`` or ``"l2"``.
        method: ``"deepfool"`` or ``"sgd"``.
        delta: the share of the images that may stay as they are, in [0, 1].
        epochs: at most so many passes over the images, each in a new order.
        batch_size: images per update; 1 for ``"deepfool"``, 32 for ``"sgd"`` where it is not given.
        steps, overshoot, candidates: of each DeepFool.
        step_size: :math:`\alpha` of ``"sgd"``, in the units of ``eps``; ``eps / 5`` where it is not given.
        momentum: :math:`\mu` of ``"sgd"``, in [0, 1].
        cap: :math:`\beta` of ``"sgd"``: an image whose loss exceeds it no longer pulls.
        generator: draws the orders; the global random state is then left as it was.
        progress: show a bar.

    Returns:
        The perturbation ``(C, H, W)``, within eps, without a graph.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Moosavi-Dezfooli, Fawzi, Fawzi & Frossard 2017, arXiv:1610.08401, Algorithm 1; Shafahi et al. 2020,
    arXiv:1811.11304, Algorithm 1 and the clipped loss, with I-FGSM's normalised steps and the momentum of Dong et
    al. 2018, arXiv:1710.06081.
    """
    check_images(images)
    check_model(model, images)
    check_choice("norm", norm, NORMS)
    check_choice("method", method, METHODS)
    check_at_least(0, eps=eps, delta=delta, overshoot=overshoot, momentum=momentum, cap=cap)
    check_at_most(1, delta=delta, momentum=momentum)
    step_size = eps / 5 if step_size is None else step_size
    check_at_least(0, step_size=step_size)
    batch_size = {"deepfool": 1, "sgd": 32}[method] if batch_size is None else batch_size
    check_count(epochs=epochs, batch_size=batch_size, steps=steps)
    epochs, batch_size = int(epochs), int(batch_size)
    with untouched(model, images, generator):
        images = images.detach()
        labels = _logits(model, images).argmax(1)
        v = best = torch.zeros_like(images[:1])
        velocity, best_rate = torch.zeros_like(v), 0.0
        device = "cpu" if generator is None else generator.device
        with tqdm(total=epochs * len(images), file=sys.stdout, mininterval=0.5, disable=not progress) as bar:
            for _ in range(epochs):
                order = torch.randperm(len(images), generator=generator, device=device).to(images.device)
                for rows in order.split(batch_size):
                    x, y = images[rows], labels[rows]
                    if method == "deepfool":
                        change = _deepfool_change(model, x, y, v, steps, overshoot, candidates)
                    else:
                        gradient = _capped_gradient(model, x, y, v, cap)
                        velocity = momentum * velocity + gradient / gradient.abs().sum().clamp_min(_tiny(v))
                        change = steepest(velocity, step_size, norm, v)
                    v = within_(v + change, eps, norm)
                    bar.update(len(rows))
                rate = is_fooled(_logits(model, images, v), labels).double().mean().item()
                bar.set_postfix(fooled=f"{rate:.3f}")
                if rate >= best_rate:
                    best, best_rate = v, rate
                if rate > 1 - delta:
                    break
    return best[0]


def _tiny(values: Tensor) -> float:
    return torch.finfo(values.dtype).tiny


def _logits(model: Model, images: Tensor, v: Tensor | float = 0.0, batch_size: int = 256) -> Tensor:
    """Logits of the images with ``v`` added, in the mode the model is in."""
    logits = []
    with torch.no_grad():
        for x in images.split(batch_size):
            logits.append(model((x + v).clamp_(0, 1)))
            check_classes(logits[-1])
    return torch.cat(logits)


def _deepfool_change(
    model: Model, x: Tensor, labels: Tensor, v: Tensor, steps: int, overshoot: float, candidates: int | None
) -> Tensor:
    """The sum of the smallest changes of x + v that fool, zero for an image that is fooled or cannot be.

    x + v leaves the box and DeepFool keeps to it, so it works on z = (x + v + reach) / span, which lies inside:
    a change of scale leaves the nearest boundary the nearest.
    """
    reach = 1 + v.abs().max().item()
    span = 1 + 2 * reach
    z = (x + v + reach) / span

    def shown(z: Tensor) -> Tensor:
        return model(clip(z * span - reach))

    found = deepfool(shown, z, labels, steps=steps, overshoot=overshoot, candidates=candidates)
    return span * (found - z).sum(0, keepdim=True)


def _capped_gradient(model: Model, x: Tensor, labels: Tensor, v: Tensor, cap: float) -> Tensor:
    """Gradient with respect to v of the mean over the batch of min(cross-entropy, cap)."""
    v = v.clone().requires_grad_()
    loss = cross_entropy(logits_of(model, clip(x + v), labels), labels).clamp_max(cap)
    return input_gradient(loss / len(x), v)


def apply(images: Tensor, perturbation: Tensor) -> Tensor:
    r"""The images shown: :math:`\mathrm{clamp}_{[0,1]}(x + v)` for images ``(N, C, H, W)`` and v ``(C, H, W)``."""
    check_images(images)
    check_perturbation(perturbation, images)
    return (images + perturbation).clamp_(0, 1)


def fooling_rate(model: nn.Module, perturbation: Tensor, images: Tensor, *, batch_size: int = 256) -> float:
    r"""Share of the images whose prediction the perturbation changes, in eval mode.

    .. math:: \frac1n \sum_i 1\bigl[\hat k(\mathrm{clamp}_{[0,1]}(x_i + v)) \ne \hat k(x_i)\bigr]

    Args:
        model: maps images to logits.
        perturbation: ``(C, H, W)``.
        images: ``(N, C, H, W)`` in [0, 1], which :func:`universal` has not seen.
        batch_size: images at a time.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Moosavi-Dezfooli et al. 2017, arXiv:1610.08401, section 2.
    """
    check_module(model)
    check_model(model, images)
    shown = apply(images, perturbation)
    labels = predict(model, images, batch_size=batch_size).argmax(1)
    return is_fooled(predict(model, shown, batch_size=batch_size), labels).double().mean().item()


def fooling_table(
    models: Mapping[str, nn.Module], perturbations: Mapping[str, Tensor], images: Tensor, *, batch_size: int = 256
) -> pandas.DataFrame:
    """Fooling rate of every perturbation (row) on every model (column): does one learnt on one model fool another?

    Source: Moosavi-Dezfooli et al. 2017, arXiv:1610.08401, Table 2.
    """
    import pandas

    rates = {
        name: {of: fooling_rate(model, v, images, batch_size=batch_size) for of, model in models.items()}
        for name, v in perturbations.items()
    }
    return pandas.DataFrame.from_dict(rates, orient="index").rename_axis(index="perturbation", columns="model")


def similarity(perturbations: Tensor) -> Tensor:
    r"""Normalised inner products :math:`\langle v_i, v_j\rangle / (\|v_i\|_2\|v_j\|_2)`, ``(K, K)``.

    Of perturbations ``(K, C, H, W)``. Small off the diagonal where the orders of several generators gave diverse
    perturbations.

    Source: Moosavi-Dezfooli et al. 2017, arXiv:1610.08401, section 3.
    """
    flat = perturbations.flatten(1)
    flat = flat / torch.linalg.vector_norm(flat, dim=1, keepdim=True).clamp_min(_tiny(flat))
    return flat @ flat.T
