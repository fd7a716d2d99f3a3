"""stAdv: an adversarial image made by moving pixels, along a flow that is kept smooth."""

from __future__ import annotations

import torch
from torch import Tensor

from advcourse.core.iterates import Closest, adam_
from advcourse.core.losses import input_gradient, margin, rising
from advcourse.core.running import Model, detached, is_fooled, logits_of, untouched
from advcourse.core.validation import check_at_least, check_count, check_inputs
from advcourse.core.warps import warp

PROGRESS = 0.9999
TIP = 1e-4


def stadv(
    model: Model,
    images: Tensor,
    labels: Tensor,
    *,
    steps: int,
    step_size: float,
    flow_weight: float,
    confidence: float = 0.0,
    targets: Tensor | None = None,
) -> Tensor:
    """Spatially transformed adversarial image: of those seen, the one whose per-pixel flow is smoothest.

    It solves, for the flow f::

        min_f max(z_y - max_{j≠y} zⱼ, -κ) + τ L_flow(f)
        x̃(p) = x(p + f(p))

    with z the logits at x̃; targeted, the hinge is ``max(max_{j≠t} zⱼ - zₜ, -κ)``. ``L_flow`` is ``flow_loss``. The
    flow starts at zero and follows Adam, in place of the paper's L-BFGS, whose line search would run each image a
    different number of times. An image leaves when a third of the steps has not lowered its least objective by 0.01 %:
    Adam runs past the boundary first, and smooths the flow on its way back. Costs at most ``steps + 1`` forward and
    ``steps`` backward passes.

    Args:
        model: maps images to logits ``(N, K)``; runs in the mode it is in.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``.
        steps: of Adam, at most.
        step_size: Adam's learning rate, in pixels.
        flow_weight: τ; the paper's is 0.05.
        confidence: κ, the margin of logits by which an adversarial image must be misclassified.
        targets: int64 ``(N,)``: the classes to reach.

    Returns:
        Images ``(N, C, H, W)`` in [0, 1], without a graph; the image itself where no flow succeeded, or where it is
        already misclassified (predicted as its target).

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Xiao et al. 2018, arXiv:1801.02612, equations 1 to 4.
    """
    check_inputs(model, images, labels, targets)
    check_count(steps=steps)
    check_at_least(0, step_size=step_size, flow_weight=flow_weight, confidence=confidence)
    steps = int(steps)
    with untouched(model, images):
        images = detached(images)
        smoothest = Closest(images)
        rows = torch.arange(len(images), device=images.device)
        flow = images.new_zeros(len(images), 2, *images.shape[2:])
        mean, square = torch.zeros_like(flow), torch.zeros_like(flow)
        least, before = images.new_full((2, len(images)), torch.inf)
        for step in range(steps + 1):
            with torch.set_grad_enabled(step < steps):
                x = warp(images, -flow.requires_grad_(step < steps))  # the paper's flow points to where a pixel is read
                logits = logits_of(model, x, labels, targets)
                lead = rising(margin, logits, labels, targets)
                hinge, roughness = (confidence - lead).clamp_min(0), flow_loss(flow)
                loss = hinge + flow_weight * roughness
            fooled = is_fooled(logits, labels, targets)
            smoothest.see(x, fooled & (hinge == 0), roughness.detach(), rows)
            least = least.minimum(loss.detach())
            going = ~fooled if step == 0 else torch.ones_like(fooled)
            if step % max(1, steps // 3) == 0:
                going, before = going & (least < PROGRESS * before), least
            if step == steps or not going.any():
                break
            gradient = input_gradient(loss, flow, through=x)
            flow = flow.detach()
            adam_(flow, gradient, mean, square, step + 1, step_size)
            if not going.all():
                images, labels, rows, flow = images[going], labels[going], rows[going], flow[going]
                mean, square, least, before = mean[going], square[going], least[going], before[going]
                targets = None if targets is None else targets[going]
    return smoothest.images


def flow_loss(flow: Tensor) -> Tensor:
    """How rough each flow is: over the pixels p and their four neighbours q, summed for each image by itself::

        Σₚ Σ_{q∈N(p)} (√(‖f(p) - f(q)‖₂² + ε²) - ε),  ε = 10⁻⁴

    The rounding at the tip gives it a gradient where neighbours move alike, as they do at the start.

    Args:
        flow: ``(N, 2, H, W)``, in pixels.

    Returns:
        ``(N,)``; zero where all pixels move alike.

    Source: Xiao et al. 2018, arXiv:1801.02612, equation 4.
    """

    def lengths(steps: Tensor) -> Tensor:
        square = steps.square().sum(1)
        return (square / ((square + TIP**2).sqrt() + TIP)).sum((1, 2))  # the formula, without cancellation

    return 2 * (lengths(flow.diff(dim=2)) + lengths(flow.diff(dim=3)))  # p and q are each other's neighbours
