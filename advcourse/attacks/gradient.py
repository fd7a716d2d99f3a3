"""Attacks that follow the sign or the direction of the loss gradient: FGSM, I-FGSM and PGD."""

from __future__ import annotations

import torch
from torch import Tensor

from advcourse.attacks.balls import NORMS, project, steepest, uniform
from advcourse.attacks.common import (
    ImageLoss,
    Model,
    Strongest,
    cross_entropy,
    image_loss,
    input_gradient,
    is_fooled,
    logits_of,
    rising,
    untouched,
)
from advcourse.validation import check_at_least, check_choice, check_count, check_inputs


def fgsm(model: Model, images: Tensor, labels: Tensor, *, eps: float, targets: Tensor | None = None) -> Tensor:
    r"""Fast gradient sign method: one step of size eps, which maximises the linearised loss in the linf ball.

    .. math:: \tilde x = \mathrm{clamp}_{[0,1]}\bigl(x + \varepsilon\,\mathrm{sign}\,\nabla_x\ell(f(x), y)\bigr)

    Targeted: :math:`x - \varepsilon\,\mathrm{sign}\,\nabla_x\ell(f(x), \tilde y)`. Costs one forward and one
    backward pass.

    Args:
        model: maps images to logits ``(N, K)``; runs in the mode it is in.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``.
        eps: step, in pixel units of [0, 1].
        targets: int64 ``(N,)``: the classes to reach, in place of any but ``labels``.

    Returns:
        Images ``(N, C, H, W)`` in [0, 1], within eps of ``images`` in linf, without a graph.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Goodfellow, Shlens & Szegedy 2015, arXiv:1412.6572, section 4.
    """
    check_inputs(model, images, labels, targets)
    check_at_least(0, eps=eps)
    with untouched(model, images):
        x = images.detach().clone().requires_grad_()
        logits = logits_of(model, x, labels, targets)
        loss = rising(cross_entropy, logits, labels, targets)
        gradient = input_gradient(loss, x)
    return images.detach().add(gradient.sign_(), alpha=eps).clamp_(0, 1)


def ifgsm(
    model: Model,
    images: Tensor,
    labels: Tensor,
    *,
    step_size: float,
    steps: int,
    eps: float | None = None,
    targets: Tensor | None = None,
) -> Tensor:
    r"""Iterated FGSM: at most ``steps`` sign steps, each image stopping as soon as it is fooled.

    .. math:: x^{k+1} = \mathrm{clamp}_{[0,1]}\bigl(x^k + \alpha\,\mathrm{sign}\,\nabla_x\ell(f(x^k), y)\bigr)

    An image that is already misclassified comes back untouched; one that is never fooled comes back as its
    iterate of highest loss. An image fooled after t steps costs t + 1 forward passes and at most t + 1
    backward passes: the last forward is shared with images still being worked on, and a graph cannot be cut.

    Args:
        model: maps images to logits ``(N, K)``; runs in the mode it is in.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``.
        step_size: :math:`\alpha`, in pixel units of [0, 1].
        steps: at most so many steps.
        eps: where given, every iterate stays within eps of the image in linf.
        targets: int64 ``(N,)``: step along :math:`-\mathrm{sign}\,\nabla_x\ell(f(x^k), \tilde y)` and stop when
            predicted as the target.

    Returns:
        Images ``(N, C, H, W)`` in [0, 1], without a graph.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Kurakin, Goodfellow & Bengio 2017, arXiv:1607.02533, section 2.2; the stop per image is the deck's.
    """
    check_inputs(model, images, labels, targets)
    check_at_least(0, step_size=step_size, **({} if eps is None else {"eps": eps}))
    check_count(steps=steps)
    steps = int(steps)
    with untouched(model, images):
        x, start = images.detach().clone(), images.detach()
        strongest = Strongest(start)
        rows = torch.arange(len(images), device=images.device)
        for step in range(steps + 1):
            with torch.set_grad_enabled(step < steps):
                logits = logits_of(model, x.requires_grad_(step < steps), labels, targets)
                loss = rising(cross_entropy, logits, labels, targets)
            fooled = is_fooled(logits, labels, targets)
            strongest.see(x, fooled, loss, rows)
            going = ~fooled
            if step == steps or not going.any():
                break
            gradient = input_gradient(loss, x)[going]
            rows, labels, start = rows[going], labels[going], start[going]
            targets = None if targets is None else targets[going]
            x = x.detach()[going].add_(gradient.sign_(), alpha=step_size)
            if eps is not None:
                x = torch.clamp(x, start - eps, start + eps)
            x = x.clamp_(0, 1)
            del gradient, logits, loss  # not alive beside the next forward pass
    return strongest.images


def pgd(
    model: Model,
    images: Tensor,
    labels: Tensor,
    *,
    eps: float,
    steps: int = 40,
    step_size: float | None = None,
    norm: str = "linf",
    random_start: bool = False,
    restarts: int = 1,
    loss: str | ImageLoss = "ce",
    targets: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    r"""Projected gradient descent: steepest steps inside the eps-ball; returns each image's strongest iterate.

    .. math:: \delta^{k+1} = \Pi_{\|\delta\|\le\varepsilon,\;x+\delta\in[0,1]}\bigl(\delta^k + \alpha\,d(\nabla_\delta
       L(x+\delta^k))\bigr),\qquad L = \ell(f(\cdot), y)\ \text{or}\ \ell(f(\cdot), y) - \ell(f(\cdot), \tilde y)

    where d is the sign (linf), the normalised gradient (l2) or the largest coordinates (l1). Strongest means
    fooled first, then higher loss; the last iterate is tested too. A restart costs steps forward and backward
    passes and one more forward pass.

    Args:
        model: maps images to logits ``(N, K)``; runs in the mode it is in.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``.
        eps: radius of the ball, in pixel units of [0, 1].
        steps: steps per restart.
        step_size: :math:`\alpha` in the units of ``eps``; ``2.5 * eps / steps`` where it is not given.
        norm: ``"linf"``, ``"l2"`` or ``"l1"``.
        random_start: start uniform in the ball, cut by the box; else at zero.
        restarts: how often to start; more than once needs ``random_start``.
        loss: ``"ce"``, ``"margin"``, ``"nll"`` (:math:`-z_y`, for :func:`~advcourse.attacks.eot`) or a callable
            ``(logits, labels) -> (N,)``, maximised.
        targets: int64 ``(N,)``: the classes to reach.
        generator: draws the random start; the global random state is then left as it was.

    Returns:
        Images ``(N, C, H, W)`` in [0, 1], within eps of ``images``, without a graph.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Madry et al. 2018, arXiv:1706.06083, section 2.1; zero start and targeted loss are the deck's.
    """
    check_inputs(model, images, labels, targets)
    check_at_least(0, eps=eps, **({} if step_size is None else {"step_size": step_size}))
    check_count(steps=steps, restarts=restarts)
    check_choice("norm", norm, NORMS)
    if restarts > 1 and not random_start:
        raise ValueError(f"restarts is {restarts}, expected 1 without random_start: every start would be the same")
    per_image = image_loss(loss)
    steps, step_size = int(steps), 2.5 * eps / steps if step_size is None else step_size
    with untouched(model, images, generator):
        images = images.detach()
        strongest = Strongest(images)
        for _ in range(restarts):
            x = images.clone()
            if random_start:
                x = project(x + uniform(x, eps, norm, generator), images, eps, norm)
            for step in range(steps + 1):
                with torch.set_grad_enabled(step < steps):
                    logits = logits_of(model, x.requires_grad_(step < steps), labels, targets)
                    value = per_image(logits, labels)
                    if targets is not None:
                        value = value - per_image(logits, targets)
                strongest.see(x, is_fooled(logits, labels, targets), value)
                if step < steps:
                    gradient, x = input_gradient(value, x), x.detach()
                    x = project(steepest(gradient, step_size, norm, x).add_(x), images, eps, norm)
                    del gradient, logits, value  # not alive beside the next forward pass
    return strongest.images
