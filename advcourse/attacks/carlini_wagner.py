"""Carlini & Wagner's L2 attack: distance and a hinge on the logits, weighed by a constant that is searched for."""

from __future__ import annotations

import torch
from torch import Tensor

from advcourse.attacks.balls import norms
from advcourse.attacks.common import Closest, Model, adam_, input_gradient, is_fooled, margin, untouched
from advcourse.validation import check_above, check_at_least, check_classes, check_count, check_inputs, check_logits

INSIDE = 0.99
LARGEST = 1e10
IMPROVED = 0.999


def carlini_wagner(
    model: Model,
    images: Tensor,
    labels: Tensor,
    *,
    confidence: float = 0.0,
    steps: int = 1000,
    search_steps: int = 9,
    learning_rate: float = 0.01,
    initial_const: float = 1e-3,
    targets: Tensor | None = None,
) -> Tensor:
    r"""Carlini & Wagner's L2 attack: the closest adversarial image that Adam finds over a search for the constant c.

    .. math:: \min_w \|x(w) - x\|_2^2 + c\,\max\bigl(z_y - \max_{j\ne y} z_j,\,-\kappa\bigr),\qquad
       x(w) = \mathrm{clamp}_{[0,1]}\tfrac12\Bigl(1 + \frac{\tanh w}{s}\Bigr)

    with z the logits at x(w); targeted, the hinge is :math:`\max(\max_{j\ne t} z_j - z_t, -\kappa)`. w starts at the
    image. The scale s is :data:`INSIDE`, a little below 1, so that pixels at 0 and 1 have a finite w and a slope (with
    s = 1 they cannot move, with the :math:`1 - 10^{-6}` of the authors' code hardly within a hundred steps). Each
    image has its own c: tenfold until one succeeds, then halfway between the largest that failed and the smallest
    that succeeded. Adam goes on from one c to the next, where the authors' code goes back to the image each
    time: within few steps that gets further. A c has therefore succeeded if one of its last tenth of iterates did. Adam
    pauses for an image until the next c when a tenth of the steps has not lowered its least loss by 0.1 %.

    Costs one forward pass, and at most search_steps * steps forward and search_steps * (steps - 1) backward passes.

    Args:
        model: maps images to logits ``(N, K)``, K >= 2; runs in the mode it is in.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``.
        confidence: :math:`\kappa`, the margin of logits by which an adversarial image must be misclassified.
        steps: of Adam, at most, for each value of c.
        search_steps: values of c that are tried.
        learning_rate: of Adam, in the units of w.
        initial_const: the first c, above 0.
        targets: int64 ``(N,)``: the classes to reach.

    Returns:
        Images ``(N, C, H, W)`` in [0, 1], without a graph: the closest that succeeded with confidence; the image
        itself where none did, or where it is already misclassified (predicted as its target).

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Carlini & Wagner 2017, arXiv:1608.04644, sections V and VI.A; the abort follows their code.
    """
    check_inputs(model, images, labels, targets)
    check_count(steps=steps, search_steps=search_steps)
    check_at_least(0, confidence=confidence, learning_rate=learning_rate)
    check_above(0, initial_const=initial_const)
    steps = int(steps)
    with untouched(model, images):
        closest = Closest(images.detach())
        with torch.no_grad():
            logits = model(images.detach().clone())
        check_classes(logits)
        check_logits(logits, labels, targets)
        rows = (~is_fooled(logits, labels, targets)).nonzero()[:, 0]
        start = images.detach()[rows]
        w = start.mul(2).sub_(1).mul_(INSIDE).atanh_()
        adam = (w, torch.zeros_like(w), torch.zeros_like(w), w.new_zeros(len(w), 1, 1, 1))
        c = torch.full((len(rows),), float(initial_const), dtype=images.dtype, device=images.device)
        failed, succeeded = torch.zeros_like(c), torch.full_like(c, torch.inf)
        for _ in range(search_steps if len(rows) else 0):
            goal = labels[rows] if targets is None else targets[rows]
            settings = (confidence, steps, learning_rate, targets is None)
            found = minimise(model, start, goal, c, adam, rows, closest, *settings)
            failed, succeeded = torch.where(found, failed, c), torch.where(found, c, succeeded)
            c = torch.where(succeeded.isinf(), 10 * c, (failed + succeeded) / 2).clamp_max(LARGEST)
    return closest.images


def minimise(
    model: Model,
    images: Tensor,
    classes: Tensor,
    c: Tensor,
    adam: tuple[Tensor, ...],
    rows: Tensor,
    closest: Closest,
    confidence: float,
    steps: int,
    learning_rate: float,
    leave: bool,
) -> Tensor:
    """Adam for each image at its own c, from where it was left; shows ``closest`` every iterate.

    Args:
        images: those attacked, ``(n, C, H, W)``; ``classes`` and ``c`` are theirs, ``rows`` their places in
            ``closest``.
        adam: w, the mean of its gradients and of their squares, and the steps taken; moved on in place.
        leave: whether to leave ``classes`` or to reach them.

    Returns:
        Whether an image succeeded at this c, and not only on the way from the last, ``(n,)``.
    """
    found = torch.zeros_like(c, dtype=torch.bool)
    places = torch.arange(len(c), device=c.device)
    w, mean, square, taken = (one.clone() for one in adam)
    least, before = torch.full_like(c, torch.inf), torch.full_like(c, torch.inf)
    tenth = max(1, steps // 10)
    for step in range(1, steps + 1):
        t = w.tanh()
        free = t.div(INSIDE).add_(1).div_(2)
        pixels = free.clamp(0, 1)
        with torch.set_grad_enabled(step < steps):
            logits = model(pixels.requires_grad_(step < steps))
            over = margin(logits, classes) if leave else -margin(logits, classes)
            hinge = (confidence - over).clamp_min(0)
        x = pixels.detach()
        fooled = is_fooled(logits, classes, None if leave else classes) & (hinge.detach() == 0)
        distance = norms(x - images, "l2")
        closest.see(x, fooled, distance, rows)
        found[places] |= fooled
        least = least.minimum(distance.square() + c * hinge.detach())
        if step == steps:
            break
        gradient = free.sub_(images).mul_(2)  # beyond the box too, so that w comes back
        if hinge.any():
            gradient += input_gradient(c * hinge, pixels)
        gradient.mul_(t.square_().neg_().add_(1).div_(2 * INSIDE))  # dx/dw
        taken += 1
        adam_(w, gradient, mean, square, taken, learning_rate)
        if step % tenth == 0:
            going = least < IMPROVED * before
            before = least
            if not going.all():
                for whole, part in zip(adam, (w, mean, square, taken), strict=True):
                    whole[places] = part
                kept = (images, classes, c, rows, places, w, mean, square, taken, least, before)
                images, classes, c, rows, places, w, mean, square, taken, least, before = (one[going] for one in kept)
            if not len(places):
                break
            found[places] = False
    for whole, part in zip(adam, (w, mean, square, taken), strict=True):
        whole[places] = part
    return found
