"""EAD: distance in l1 and l2 together and a hinge on the logits, by shrinkage and a search for a constant."""

from __future__ import annotations

import torch
from torch import Tensor

from advcourse.core.balls import norms
from advcourse.core.iterates import Closest
from advcourse.core.losses import input_gradient, margin, rising
from advcourse.core.running import Model, answer, detached, first_look, is_fooled, untouched
from advcourse.core.validation import (
    check_above,
    check_at_least,
    check_choice,
    check_count,
    check_inputs,
)

DECISIONS = ("l1", "en")
LARGEST_CONST = 1e10


def ead(
    model: Model,
    images: Tensor,
    labels: Tensor,
    *,
    beta: float = 0.01,
    decision: str = "l1",
    confidence: float = 0.0,
    steps: int = 1000,
    search_steps: int = 9,
    learning_rate: float = 0.01,
    initial_const: float = 1e-3,
    targets: Tensor | None = None,
) -> Tensor:
    """EAD, the elastic-net attack: the closest adversarial image that FISTA finds over a search for the constant c.

    For each c it lowers::

        c max(z_y - max_{j≠y} zⱼ, -κ) + ‖x̃ - x‖₂² + β ‖x̃ - x‖₁

    with z the logits at x̃; targeted, the hinge is ``max(max_{j≠t} zⱼ - zₜ, -κ)``. From x⁰ = y⁰ = x, step k is::

        xᵏ⁺¹ = S(yᵏ - αₖ ∇[c hinge(yᵏ) + ‖yᵏ - x‖₂²])
        yᵏ⁺¹ = clamp(xᵏ⁺¹ + k/(k + 3) (xᵏ⁺¹ - xᵏ), 0, 1)

    where S puts entries within β of x back on x, moves the others towards it by β, and cuts at the box, and αₖ falls as
    the square root of what is left of the steps. Each image has its own c: tenfold until one succeeds, then halfway
    between the largest that failed and the smallest that succeeded; every c starts at the image.

    When to use it: for the shortest l1 perturbations where passes do not matter, and for images between l1 and l2;
    ``fmn`` with ``norm="l1"`` is far cheaper. Costs one forward pass, and ``search_steps * steps`` times two forward
    and one backward.

    Args:
        model: maps images to logits ``(N, K)``, K ≥ 2; runs in the mode it is in.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``.
        beta: β, what an entry is shrunk by at each step: the larger, the fewer entries change.
        decision: ``"l1"`` returns the adversarial iterate of the least l1 norm, ``"en"`` that of the least
            ‖x̃ - x‖₂² + β ‖x̃ - x‖₁.
        confidence: κ, the margin of logits by which an adversarial image must be misclassified.
        steps: of FISTA, for each value of c.
        search_steps: values of c that are tried.
        learning_rate: α₀.
        initial_const: the first c, above 0.
        targets: int64 ``(N,)``: the classes to reach.

    Returns:
        Images ``(N, C, H, W)`` in [0, 1], without a graph: the closest that succeeded with confidence; the image
        itself where none did, or where it is already misclassified (predicted as its target).

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Chen et al. 2018, arXiv:1709.04114, algorithm 1; y is kept in the box, so that the network sees only images.
    """
    check_inputs(model, images, labels, targets)
    check_choice("decision", decision, DECISIONS)
    check_count(steps=steps, search_steps=search_steps)
    check_at_least(0, beta=beta, confidence=confidence, learning_rate=learning_rate)
    check_above(0, initial_const=initial_const)
    steps = int(steps)
    with untouched(model, images):
        images = detached(images)
        closest = Closest(images)
        _, rows = first_look(model, images, labels, targets)
        start, labels = images[rows], labels[rows]
        targets = None if targets is None else targets[rows]
        c = torch.full_like(start[:, 0, 0, 0], initial_const)
        failed, succeeded = torch.zeros_like(c), torch.full_like(c, torch.inf)
        for _ in range(search_steps if len(rows) else 0):
            found = torch.zeros_like(c, dtype=torch.bool)
            x, y = start.clone(), start.clone()
            for step in range(steps):
                logits = answer(model, y.requires_grad_())
                hinge = (confidence - rising(margin, logits, labels, targets)).clamp_min(0)
                gradient = input_gradient(c * hinge, y)
                y = y.detach()
                gradient.add_(y - start, alpha=2)
                rate = learning_rate * (1 - step / steps) ** 0.5
                before, x = x, shrunk(y.sub_(gradient, alpha=rate), start, beta)
                y = x.lerp(before, -step / (step + 3)).clamp_(0, 1)
                del gradient, logits, hinge, before  # not alive beside the next forward pass
                with torch.no_grad():
                    logits = answer(model, x)
                over = rising(margin, logits, labels, targets)
                fooled = is_fooled(logits, labels, targets) & (over >= confidence)
                closest.see(x, fooled, distances(x - start, beta, decision), rows)
                found |= fooled
            failed, succeeded = torch.where(found, failed, c), torch.where(found, c, succeeded)
            c = torch.where(succeeded.isinf(), 10 * c, (failed + succeeded) / 2).clamp_max(LARGEST_CONST)
    return closest.images


def shrunk(x: Tensor, images: Tensor, beta: float) -> Tensor:
    """Entries within ``beta`` of the image's put back on it, the others moved towards it by ``beta``, in the box."""
    delta = x - images
    return delta.sub_(delta.clamp(-beta, beta)).add_(images).clamp_(0, 1)


def distances(delta: Tensor, beta: float, decision: str) -> Tensor:
    """What the decision rule keeps small, ``(N,)``."""
    l1 = norms(delta, "l1")
    return l1 if decision == "l1" else norms(delta, "l2").square() + beta * l1
