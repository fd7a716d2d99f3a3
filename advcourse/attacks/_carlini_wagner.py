"""Carlini & Wagner's L2 attack: distance and a hinge on the logits, weighed by a constant that is searched for."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from advcourse.core.balls import norms
from advcourse.core.iterates import Closest, adam_
from advcourse.core.losses import input_gradient, margin
from advcourse.core.running import Model, answer, detached, is_fooled, untouched
from advcourse.core.validation import (
    check_above,
    check_at_least,
    check_count,
    check_inputs,
    check_logits,
)

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
    """Carlini & Wagner's L2 attack: the closest adversarial image that Adam finds over a search for the constant c.

    For each c it solves::

        min_w ‖x(w) - x‖₂² + c max(z_y - max_{j≠y} zⱼ, -κ)
        x(w) = clamp(½ (1 + tanh(w) / s), 0, 1)

    with z the logits at x(w); targeted, the hinge is ``max(max_{j≠t} zⱼ - zₜ, -κ)``. w starts at the image. The scale s
    is ``INSIDE``, a little below 1, so that pixels at 0 and 1 have a finite w and a slope (with s = 1 they cannot move,
    with the 1 - 10⁻⁶ of the authors' code hardly within a hundred steps). Each image has its own c: tenfold until one
    succeeds, then halfway between the largest that failed and the smallest that succeeded. Adam goes on from one c to
    the next, where the authors' code goes back to the image each time: within few steps that gets further. A c has
    therefore succeeded if one of its last tenth of iterates did. Adam pauses for an image until the next c when a tenth
    of the steps has not lowered its least loss by 0.1 %.

    Costs one forward pass, and at most ``search_steps * steps`` forward and ``search_steps * (steps - 1)`` backward
    passes.

    Args:
        model: maps images to logits ``(N, K)``, K ≥ 2; runs in the mode it is in.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``.
        confidence: κ, the margin of logits by which an adversarial image must be misclassified.
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
    with untouched(model, images):
        closest = Closest(detached(images))
        with torch.no_grad():
            logits = answer(model, detached(images).clone())
        check_logits(logits, labels, targets)
        rows = (~is_fooled(logits, labels, targets)).nonzero()[:, 0]
        classes = labels if targets is None else targets
        state = Search.start(detached(images)[rows], classes[rows], rows, initial_const)
        for _ in range(search_steps if len(rows) else 0):
            found = minimise(model, state, closest, confidence, int(steps), learning_rate, leave=targets is None)
            state.next_const(found)
    return closest.images


@dataclass
class Search:
    """Where the search stands for each of n images: what Adam moves, and between which constants c lies.

    Attributes:
        images: ``(n, C, H, W)``, unperturbed.
        classes: ``(n,)``, to leave or to reach.
        rows: ``(n,)``, their places among the images that the attack was given.
        w, mean, square: what Adam moves, and its running means, ``(n, C, H, W)``.
        taken: Adam's steps so far, ``(n, 1, 1, 1)``.
        c, failed, succeeded: the constant, the largest that failed and the smallest that succeeded, ``(n,)``.
        least, before: least loss at this c, now and a tenth of the steps ago, ``(n,)``.
    """

    images: Tensor
    classes: Tensor
    rows: Tensor
    w: Tensor
    mean: Tensor
    square: Tensor
    taken: Tensor
    c: Tensor
    failed: Tensor
    succeeded: Tensor
    least: Tensor
    before: Tensor

    @classmethod
    def start(cls, images: Tensor, classes: Tensor, rows: Tensor, const: float) -> Search:
        w = images.mul(2).sub_(1).mul_(INSIDE).atanh_()
        c = images.new_full((len(images),), const)
        taken, never = w.new_zeros(len(w), 1, 1, 1), torch.full_like(c, torch.inf)
        moments = torch.zeros_like(w), torch.zeros_like(w)
        return cls(images, classes, rows, w, *moments, taken, c, torch.zeros_like(c), never, never, never)

    def __getitem__(self, places: Tensor) -> Search:
        """The search of some of the images, copied."""
        return Search(*(getattr(self, part.name)[places] for part in fields(self)))

    def put(self, places: Tensor, part: Search) -> None:
        """Where Adam has brought some of the images."""
        for name in ("w", "mean", "square", "taken"):
            getattr(self, name)[places] = getattr(part, name)

    def next_const(self, found: Tensor) -> None:
        """Tenfold until one succeeds, then halfway between failure and success."""
        self.failed = torch.where(found, self.failed, self.c)
        self.succeeded = torch.where(found, self.c, self.succeeded)
        halfway = (self.failed + self.succeeded) / 2
        self.c = torch.where(self.succeeded.isinf(), 10 * self.c, halfway).clamp_max(LARGEST)


def minimise(
    model: Model,
    search: Search,
    closest: Closest,
    confidence: float,
    steps: int,
    learning_rate: float,
    leave: bool,
) -> Tensor:
    """Adam for each image at its own c, from where it was left; shows ``closest`` every iterate.

    Args:
        search: moved on in place.
        leave: whether to leave the classes or to reach them.

    Returns:
        Whether an image succeeded at this c, and not only on the way from the last, ``(n,)``.
    """
    found = torch.zeros_like(search.c, dtype=torch.bool)
    places = torch.arange(len(found), device=found.device)
    at = search[places]
    tenth = max(1, steps // 10)
    for step in range(1, steps + 1):
        t = at.w.tanh()
        free = t.div(INSIDE).add_(1).div_(2)
        pixels = free.clamp(0, 1)
        with torch.set_grad_enabled(step < steps):
            logits = answer(model, pixels.requires_grad_(step < steps))
            over = margin(logits, at.classes) if leave else -margin(logits, at.classes)
            hinge = (confidence - over).clamp_min(0)
        x = pixels.detach()
        fooled = is_fooled(logits, at.classes, None if leave else at.classes) & (hinge.detach() == 0)
        distance = norms(x - at.images, "l2")
        closest.see(x, fooled, distance, at.rows)
        found[places] |= fooled
        at.least = at.least.minimum(distance.square() + at.c * hinge.detach())
        if step == steps:
            break
        gradient = free.sub_(at.images).mul_(2)  # beyond the box too, so that w comes back
        if hinge.any():
            gradient += input_gradient(at.c * hinge, pixels)
        gradient.mul_(t.square_().neg_().add_(1).div_(2 * INSIDE))  # dx/dw
        at.taken += 1
        adam_(at.w, gradient, at.mean, at.square, at.taken, learning_rate)
        if step % tenth == 0:
            going = at.least < IMPROVED * at.before
            at.before = at.least
            if not going.all():
                search.put(places, at)
                places, at = places[going], at[going]
            if not len(places):
                break
            found[places] = False
    search.put(places, at)
    return found
