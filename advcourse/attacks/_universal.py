"""Universal perturbations: one change of the pixels that fools a network on most images."""

from __future__ import annotations

import sys
from collections.abc import Callable

import torch
from torch import Tensor
from tqdm import tqdm

from advcourse.attacks._deepfool import deepfool
from advcourse.core.balls import by_largest, clip, steepest, within_
from advcourse.core.losses import cross_entropy, input_gradient
from advcourse.core.running import Model, detached, is_fooled, logits_of, untouched
from advcourse.core.validation import (
    check_answer,
    check_at_least,
    check_at_most,
    check_choice,
    check_count,
    check_images,
    check_model,
)

Update = Callable[[Tensor, Tensor, Tensor], Tensor]


def universal_deepfool(
    model: Model,
    images: Tensor,
    *,
    eps: float,
    norm: str = "linf",
    delta: float = 0.2,
    epochs: int = 10,
    batch_size: int = 1,
    steps: int = 10,
    overshoot: float = 0.02,
    candidates: int | None = None,
    generator: torch.Generator | None = None,
    progress: bool = True,
) -> Tensor:
    """One perturbation v, ‖v‖ₚ ≤ ε, that changes the prediction of most images, as a sum of smallest changes.

    For the images of each batch that v does not fool, DeepFool finds the smallest change that does::

        v ← Π_ε(v + Σᵢ Δvᵢ),    Δvᵢ = argmin_r ‖r‖₂  such that  k̂(xᵢ + v + r) ≠ k̂(xᵢ)

    where k̂(x) is the prediction of the image itself: no labels are needed. Only the image shown is cut at the box,
    never v. With ``batch_size=1`` this is the paper's algorithm, word for word. It stops after the first pass over the
    images at whose end more than 1 - δ of them are fooled, and returns the v that fooled most at the end of a pass
    (of equals the latest). Costs a forward pass per image for the predictions and one per image and pass to count the
    fooled; and per image and pass DeepFool's (one forward where v fools already).

    Args:
        model: maps images to logits ``(N, K)``; runs in the mode it is in.
        images: ``(N, C, H, W)`` in [0, 1], to learn from.
        eps: radius of the ball, in pixel units of [0, 1].
        norm: ``"linf"`` or ``"l2"``.
        delta: δ, the share of the images that may stay as they are, in [0, 1].
        epochs: at most so many passes over the images, each in a new order.
        batch_size: images per update.
        steps, overshoot, candidates: of each DeepFool.
        generator: draws the orders; the global random state is then left as it was.
        progress: show a bar.

    Returns:
        The perturbation ``(C, H, W)``, within ``eps``, without a graph.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Moosavi-Dezfooli, Fawzi, Fawzi & Frossard 2017, arXiv:1610.08401, algorithm 1.
    """
    check_at_least(0, overshoot=overshoot)
    check_count(steps=steps)

    def update(x: Tensor, labels: Tensor, v: Tensor) -> Tensor:
        return deepfool_change(model, x, labels, v, steps, overshoot, candidates)

    return _learn(model, images, update, eps, norm, delta, epochs, batch_size, generator, progress)


def universal_sgd(
    model: Model,
    images: Tensor,
    *,
    eps: float,
    norm: str = "linf",
    delta: float = 0.2,
    epochs: int = 10,
    batch_size: int = 32,
    step_size: float | None = None,
    momentum: float = 0.9,
    cap: float = 9.0,
    generator: torch.Generator | None = None,
    progress: bool = True,
) -> Tensor:
    """One perturbation v, ‖v‖ₚ ≤ ε, that changes the prediction of most images, by ascent of the capped loss.

    Its gradient over a batch is one backward pass per image::

        ḡ = ∇ᵥ mean over the batch of min{ℓ(f(xᵢ + v), k̂(xᵢ)), β}
        g ← μ g + ḡ / ‖ḡ‖₁
        v ← Π_ε(v + α d(g))

    with d the sign (linf) or the normalised direction (l2) and k̂(x) the prediction of the image itself. When it stops
    and what it returns are as in ``universal_deepfool``. Costs a forward pass per image for the predictions and one
    per image and pass to count the fooled; and per image and pass one forward and one backward pass.

    Args:
        model, images, eps, norm, delta, epochs, batch_size, generator, progress: as in ``universal_deepfool``.
        step_size: α, in the units of ``eps``; ``eps / 5`` where it is not given.
        momentum: μ, in [0, 1].
        cap: β: an image whose loss exceeds it no longer pulls.

    Returns:
        The perturbation ``(C, H, W)``, within ``eps``, without a graph.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Shafahi et al. 2020, arXiv:1811.11304, algorithm 1 and the clipped loss, with I-FGSM's normalised steps and
    the momentum of Dong et al. 2018, arXiv:1710.06081.
    """
    check_at_least(0, eps=eps, momentum=momentum, cap=cap)
    check_at_most(1, momentum=momentum)
    check_at_least(0, optional=True, step_size=step_size)
    step = eps / 5 if step_size is None else step_size
    velocity: Tensor | float = 0.0

    def update(x: Tensor, labels: Tensor, v: Tensor) -> Tensor:
        nonlocal velocity
        gradient = by_largest(capped_gradient(model, x, labels, v, cap))
        velocity = momentum * velocity + gradient / gradient.abs().sum().clamp_min(1)
        return steepest(velocity, step, norm, v)

    return _learn(model, images, update, eps, norm, delta, epochs, batch_size, generator, progress)


def _learn(
    model: Model,
    images: Tensor,
    update: Update,
    eps: float,
    norm: str,
    delta: float,
    epochs: int,
    batch_size: int,
    generator: torch.Generator | None,
    progress: bool,
) -> Tensor:
    """Passes over the images; ``update``: (images, their predictions, v) -> what is added to v before it is cut."""
    check_images(images)
    check_model(model, images)
    check_choice("norm", norm, ("linf", "l2"))
    check_at_least(0, eps=eps, delta=delta)
    check_at_most(1, delta=delta)
    check_count(epochs=epochs, batch_size=batch_size)
    with untouched(model, images, generator):
        images = detached(images)
        labels = _logits(model, images).argmax(1)
        v = best = torch.zeros_like(images[:1])
        best_rate = 0.0
        device = "cpu" if generator is None else generator.device
        with tqdm(total=epochs * len(images), file=sys.stdout, mininterval=0.5, disable=not progress) as bar:
            for _ in range(epochs):
                order = torch.randperm(len(images), generator=generator, device=device).to(images.device)
                for rows in order.split(int(batch_size)):
                    v = within_(v + update(images[rows], labels[rows], v), eps, norm)
                    bar.update(len(rows))
                rate = is_fooled(_logits(model, images, v), labels).cpu().double().mean().item()
                bar.set_postfix(fooled=f"{rate:.3f}")
                if rate >= best_rate:
                    best, best_rate = v, rate
                if rate > 1 - delta:
                    break
    return best[0]


def _logits(model: Model, images: Tensor, v: Tensor | float = 0.0, batch_size: int = 256) -> Tensor:
    """Logits of the images with ``v`` added, in the mode the model is in."""
    logits = []
    with torch.no_grad():
        for x in images.split(batch_size):
            logits.append(model((x + v).clamp_(0, 1)))
            check_answer(logits[-1], len(x))
    return torch.cat(logits)


def deepfool_change(
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


def capped_gradient(model: Model, x: Tensor, labels: Tensor, v: Tensor, cap: float) -> Tensor:
    """Gradient with respect to v of the mean over the batch of min(cross-entropy, cap)."""
    v = v.clone().requires_grad_()
    loss = cross_entropy(logits_of(model, clip(x + v), labels), labels).clamp_max(cap)
    return input_gradient(loss / len(x), v)
