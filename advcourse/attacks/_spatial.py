"""Attacks that turn and shift the image: a grid, random draws, or the gradient of three parameters."""

from __future__ import annotations

from itertools import product

import torch
from torch import Tensor

from advcourse.core import warps
from advcourse.core.balls import uniform
from advcourse.core.iterates import Strongest
from advcourse.core.losses import input_gradient, log_odds, rising
from advcourse.core.running import Model, detached, is_fooled, logits_of, untouched
from advcourse.core.validation import check_at_least, check_choice, check_count, check_counts, check_flag, check_inputs

SEARCHES = ("grid", "random", "gradient")
BATCH = 64
STEPS = 20


def spatial(
    model: Model,
    images: Tensor,
    labels: Tensor,
    *,
    max_shift: float,
    max_angle: float,
    search: str = "grid",
    grid: tuple[int, int, int] = (5, 5, 31),
    samples: int = 10,
    canvas: bool = False,
    targets: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """A rotation and a translation of each image, its own, that fools the model, or else raises the loss most.

    It solves::

        max ℓ(f(T(x; dx, dy, θ)), y)  over  |dx|, |dy| ≤ s,  |θ| ≤ a

    with s = ``max_shift``, a = ``max_angle`` and T as in ``core.warps.rigid``: the image is turned about its centre,
    then shifted, and black comes in from outside. Every search tries the identity first, so what is misclassified
    comes back untouched. ``"grid"`` goes through all combinations of evenly spaced values (dx slowest, angle fastest,
    each from its negative end), ``"random"`` through ``samples`` uniform draws of each image's own: the first that
    fools is taken, else the one of largest loss, the earliest of equals. ``"gradient"`` takes 20 steps up the sign of
    the loss gradient in the three parameters, scaled to [-1, 1], from the identity.

    An image leaves once it is fooled. Grid and random cost forward passes alone; an image fooled by the j-th
    transform costs at most j + j / 8, since transforms are tried several at a time once few images are left.

    Args:
        model: maps images to logits ``(N, K)``; runs in the mode it is in.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``.
        max_shift: the largest shift along each axis, in pixels.
        max_angle: the largest angle, in degrees.
        search: ``"grid"``, ``"random"`` or ``"gradient"``.
        grid: how many values of dx, dy and the angle; an odd number holds zero.
        samples: draws per image of the random search.
        canvas: work on the images enlarged by ``core.warps.canvas``, so that nothing leaves them; what comes back is
            larger. (For ``evaluation.evaluate``, enlarge the images first and leave this off.)
        targets: int64 ``(N,)``: the classes to reach.
        generator: draws the random search; the global random state is then left as it was.

    Returns:
        Images ``(N, C, H, W)`` in [0, 1], without a graph.

    Raises:
        ValueError: for bad input, or where the model cannot take the canvas; the message names the argument.

    Source: Engstrom et al. 2019, arXiv:1712.02779, section 3.
    """
    check_inputs(model, images, labels, targets)
    check_at_least(0, max_shift=max_shift, max_angle=max_angle)
    check_flag(canvas=canvas)
    check_choice("search", search, SEARCHES)
    check_counts("grid", grid, ("dx", "dy", "angle"))
    check_count(samples=samples)
    with untouched(model, images, generator):
        images, run = detached(images), model
        if canvas:
            small, images = images, warps.canvas(images, max_shift, max_angle)
            run = _taking_canvas(model, small, images)
        extent = images.new_tensor([max_shift, max_shift, max_angle])
        if search == "gradient":
            return _ascend(run, images, labels, targets, extent)
        if search == "grid":
            trials = _grid(grid, images)
        else:
            trials = uniform(images.new_empty(len(images), int(samples), 3), 1.0, "linf", generator)
        identity = torch.zeros_like(trials[:, :1])
        return _first_that_fools(run, images, labels, targets, torch.cat([identity, trials], 1) * extent)


def _grid(counts: tuple[int, int, int], like: Tensor) -> Tensor:
    """All combinations but the identity, in shares of the extent, ``(1, T, 3)``."""
    axes = [[2 * i / (n - 1) - 1 if n > 1 else 0.0 for i in range(n)] for n in counts]
    return like.new_tensor([point for point in product(*axes) if any(point)]).view(1, -1, 3)


def _first_that_fools(model: Model, images: Tensor, labels: Tensor, targets: Tensor | None, trials: Tensor) -> Tensor:
    """Try the transforms ``(N or 1, T, 3)`` in their order, several at a time where few images are left."""
    strongest = Strongest(images)
    rows = torch.arange(len(images), device=images.device)
    trials = trials.expand(len(images), -1, -1)
    tried = 0
    while len(rows) and tried < trials.shape[1]:
        chunk = trials[rows, tried : tried + max(1, min(1 + tried // 8, BATCH // len(rows)))]
        several = chunk.shape[1]
        copies = rows.repeat_interleave(several)
        goals = None if targets is None else targets[copies]
        with torch.no_grad():
            x = warps.rigid(images[copies], *chunk.flatten(0, 1).T)
            logits = logits_of(model, x, labels[copies], goals)
            loss = rising(log_odds, logits, labels[copies], goals)
        fooled = is_fooled(logits, labels[copies], goals).view(-1, several)
        loss = loss.view(-1, several)
        # argmax takes the first of equals.
        best = torch.where(fooled.any(1), fooled.int().argmax(1), loss.nan_to_num(-torch.inf).argmax(1))
        best += several * torch.arange(len(rows), device=images.device)
        strongest.see(x[best], fooled.flatten()[best], loss.flatten()[best], rows)
        rows, tried = rows[~fooled.any(1)], tried + several
    return strongest.images


def _ascend(model: Model, images: Tensor, labels: Tensor, targets: Tensor | None, extent: Tensor) -> Tensor:
    """Sign steps on the three parameters, in shares of the extent; an image stops once it is fooled."""
    strongest = Strongest(images)
    rows = torch.arange(len(images), device=images.device)
    share = images.new_zeros(len(images), 3)
    for step in range(STEPS + 1):
        with torch.set_grad_enabled(step < STEPS):
            x = warps.rigid(images[rows], *(share.requires_grad_(step < STEPS) * extent).T)
            logits = logits_of(model, x, labels, targets)
            loss = rising(log_odds, logits, labels, targets)
        fooled = is_fooled(logits, labels, targets)
        strongest.see(x, fooled, loss, rows)
        going = ~fooled
        if step == STEPS or not going.any():
            break
        gradient = input_gradient(loss, share)[going]
        rows, labels, targets = rows[going], labels[going], None if targets is None else targets[going]
        share = share.detach()[going].add_(gradient.sign_(), alpha=2.5 / STEPS).clamp_(-1, 1)
    return strongest.images


def _taking_canvas(model: Model, images: Tensor, enlarged: Tensor) -> Model:
    """The model, with a word about the canvas where it cannot take images of that size."""

    def run(x: Tensor) -> Tensor:
        try:
            logits = model(x)
            if len(logits) != len(x):
                raise RuntimeError(f"{len(x)} images gave {len(logits)} rows of logits")
        except RuntimeError as error:
            small, large = ("×".join(map(str, batch.shape[2:])) for batch in (images, enlarged))
            raise ValueError(
                f"canvas is True, which enlarges {small} images to {large}: expected a model that takes them ({error})"
            ) from error
        return logits

    return run
