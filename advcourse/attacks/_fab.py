"""FAB: projections onto the linearised boundary, biased towards the image, then a step back."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from advcourse.attacks._deepfool import distance_to, gradients
from advcourse.core.balls import NORMS, norms
from advcourse.core.hyperplanes import to_hyperplane
from advcourse.core.iterates import Closest
from advcourse.core.losses import margin, rising
from advcourse.core.running import Model, detached, eager, is_fooled, logits_of, untouched
from advcourse.core.streams import Streams
from advcourse.core.validation import check_at_least, check_at_most, check_choice, check_count, check_inputs

DUAL_NORM = {"linf": "l1", "l2": "l2", "l1": "linf"}
SHORTENINGS = 3
PAST_THE_ROOT = 0.1


def fab(
    model: Model,
    images: Tensor,
    labels: Tensor,
    *,
    norm: str = "linf",
    steps: int = 100,
    restarts: int = 1,
    eps: float | None = None,
    alpha_max: float = 0.1,
    eta: float = 1.05,
    beta: float = 0.9,
    candidates: int | None = None,
    target_classes: int | None = None,
    targets: Tensor | None = None,
    seed: int = 0,
    indices: Tensor | None = None,
) -> Tensor:
    """Fast Adaptive Boundary attack: the closest adversarial image met while following the linearised boundary.

    Step i is::

        fₖ = zₖ(xᵢ) - z_y(xᵢ)
        l = argmin_{k≠y} |fₖ| / ‖∇fₖ(xᵢ)‖_q
        δᵢ, δ = the shortest steps from xᵢ and from x to the plane fₗ = 0 linearised at xᵢ, within the box
        α = min(‖δᵢ‖ / (‖δᵢ‖ + ‖δ‖), alpha_max)
        xᵢ₊₁ = clamp((1 - α) (xᵢ + η δᵢ) + α (x + η δ), 0, 1)
        if xᵢ₊₁ is adversarial:  keep it if it is the closest so far, and xᵢ₊₁ = x + β (xᵢ₊₁ - x)

    where x is the image, x₀ = x, z the logits, y the label, and q the dual of the norm. At the end ``SHORTENINGS``
    steps of false position shorten the way from the image to the closest, each a tenth of the way past the root that
    the margin's secant gives.

    Which planes count::

        neither targets nor target_classes   the nearest of all classes (or candidates); any misclassification counts
        target_classes=n (FAB-T)             in n runs, that of one of the n likeliest other classes; any
                                             misclassification counts
        targets                              that of the target against the likeliest other class, at first the label;
                                             the target must be predicted

    Costs 1 + 2 ``steps`` runs forward passes and, with C classes considered, ``steps`` runs (C - 1) backward passes per
    image, C = 2 where one plane alone counts, runs being ``restarts`` times n (or 1); and 1 + ``SHORTENINGS`` forward
    passes where something was found. The misclassified cost one forward pass.

    Args:
        model: maps images to logits ``(N, K)``, K ≥ 2; runs in the mode it is in.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``.
        norm: ``"linf"``, ``"l2"`` or ``"l1"``: the norm that is to be small.
        steps: of each run.
        restarts: the first run starts at the image, the others at a random point at distance min(eps, d) / 2 of it,
            d that of the closest so far.
        eps: the radius of interest; needed for restarts, and for nothing else.
        alpha_max: the largest weight of the image's own projection, in [0, 1].
        eta: η ≥ 1, how far to go past the planes.
        beta: β in [0, 1], how much of the way is left after a step back.
        candidates: only so many classes of the highest logits are considered at every step, the label among them,
            ``2 <= candidates <= K``; all where it is not given.
        target_classes: n of FAB-T, below K.
        targets: int64 ``(N,)``: the classes to reach.
        seed, indices: of the random starts, see ``core.streams``.

    Returns:
        Images ``(N, C, H, W)`` in [0, 1], without a graph: the misclassified (or predicted as their target) untouched,
        those never fooled as they were.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Croce & Hein 2020, arXiv:1907.02044, algorithm 1; FAB-T: Croce & Hein 2020, arXiv:2003.01690.
    """
    check_inputs(model, images, labels, targets)
    check_choice("norm", norm, NORMS)
    check_count(steps=steps, restarts=restarts)
    check_at_least(0, optional=True, eps=eps)
    check_at_least(0, alpha_max=alpha_max, beta=beta)
    check_at_most(1, alpha_max=alpha_max, beta=beta)
    check_at_least(1, eta=eta)
    check_count(optional=True, at_least=2, candidates=candidates)
    check_count(optional=True, target_classes=target_classes)
    if restarts > 1 and eps is None:
        raise ValueError("eps is None, expected a radius: restarts start within it")
    _check_plane(candidates, target_classes, targets)
    with untouched(model, images), eager():
        task = Boundaries(model, detached(images), labels, targets, norm, candidates)
        closest = Closest(task.images)
        everything = torch.arange(len(images), device=images.device)
        with torch.no_grad():
            logits = task.logits(task.images.clone(), everything)
        _check_classes(logits.shape[1], candidates, target_classes)
        before = rising(margin, logits, labels, targets).to(images.dtype)
        rows = everything[~is_fooled(logits, labels, targets)]
        streams = Streams(seed, "fab", images, indices)[rows]
        others = logits.scatter(1, labels[:, None], -torch.inf).argsort(dim=1, descending=True, stable=True)
        aims = [targets] if target_classes is None else others[:, : int(target_classes)].T
        for restart in range(int(restarts)):
            for aim in aims:
                x = task.images[rows]
                if restart and eps is not None:
                    x = _beside(x, closest.distance[rows].clamp_max(eps) / 2, norm, streams)
                _follow(task, aim, closest, x, rows, int(steps), alpha_max, eta, beta)
        _shorten(task, closest, before)
    return closest.images


@dataclass(frozen=True)
class Boundaries:
    """What is asked of the model, for any ``rows`` of the images."""

    model: Model
    images: Tensor
    labels: Tensor
    targets: Tensor | None
    norm: str
    candidates: int | None

    def logits(self, x: Tensor, rows: Tensor) -> Tensor:
        return logits_of(self.model, x, self.labels[rows], _of(self.targets, rows))

    def adversarial(self, x: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Which of ``x`` succeed, and a margin that is positive where they do, ``(N,)`` each."""
        with torch.no_grad():
            logits = self.logits(x, rows)
        goal = self.labels[rows], _of(self.targets, rows)
        return is_fooled(logits, *goal), rising(margin, logits, *goal).to(x.dtype)

    def plane(self, x: Tensor, rows: Tensor, aim: Tensor | None) -> tuple[Tensor, Tensor]:
        """fₗ ``(N,)`` and its gradient: of the class ``aim``, or else of the one whose boundary is nearest.

        Targeted it is the boundary of the likeliest other class: past that of the label another may be ahead.

        fₗ is infinite where no difference of logits depends on a pixel.
        """
        logits, labels = self.logits(x.requires_grad_(), rows), self.labels[rows, None]
        if aim is None:
            count = (logits.shape[1] if self.candidates is None else int(self.candidates)) - 1
            classes = logits.detach().scatter(1, labels, -torch.inf).topk(count, 1).indices
        else:
            classes = aim[rows, None]
        if self.targets is not None:
            labels = logits.detach().scatter(1, classes, -torch.inf).argmax(1, keepdim=True)
        gaps = (logits.gather(1, classes) - logits.gather(1, labels)).to(x.dtype)
        nearest = torch.full_like(gaps[:, 0].detach(), torch.inf)
        gap, normal = nearest.clone(), torch.zeros_like(x.detach())
        for column, w in zip(gaps.detach().unbind(1), gradients(gaps, x), strict=True):
            away = distance_to(column, w, DUAL_NORM[self.norm])
            closer = away < nearest
            nearest, gap = torch.where(closer, away, nearest), torch.where(closer, column, gap)
            normal = torch.where(closer[:, None, None, None], w, normal)
        return gap, normal


def _follow(
    task: Boundaries,
    aim: Tensor | None,
    closest: Closest,
    x: Tensor,
    rows: Tensor,
    steps: int,
    alpha_max: float,
    eta: float,
    beta: float,
) -> None:
    """One run from ``x``, the starts of the images ``rows``; ``closest`` sees its adversarial iterates."""
    norm = task.norm
    for _ in range(steps):
        if not len(rows):
            return
        gap, normal = task.plane(x, rows, aim)
        going = gap.isfinite()
        x, rows, gap, normal = (t.detach()[going] for t in (x, rows, gap, normal))
        if not len(rows):
            return
        image = task.images[rows]
        gap_at_image = gap + (normal * (image - x)).flatten(1).sum(1)
        ahead, from_image = to_hyperplane(x, normal, -gap, norm), to_hyperplane(image, normal, -gap_at_image, norm)
        near, far = norms(ahead, norm), norms(from_image, norm)
        alpha = (near / (near + far).clamp_min(torch.finfo(x.dtype).tiny)).clamp_max(alpha_max)[:, None, None, None]
        x = torch.lerp(x + eta * ahead, image + eta * from_image, alpha).clamp_(0, 1)
        fooled, _ = task.adversarial(x, rows)
        closest.see(x, fooled, norms(x - image, norm), rows)
        x = torch.where(fooled[:, None, None, None], torch.lerp(image, x, beta), x)
        del image, ahead, from_image, normal  # not alive beside the next passes


def _beside(x: Tensor, radius: Tensor, norm: str, streams: Streams) -> Tensor:
    """A random point of the box at that distance of each image, or nearer where the box cuts it off.

    In linf the direction is uniform in the cube, in l2 and l1 normal, as in the authors' code.
    """
    direction = 2 * streams.rand(*x.shape[1:]) - 1 if norm == "linf" else streams.randn(*x.shape[1:])
    scale = radius / norms(direction, norm).clamp_min(torch.finfo(x.dtype).tiny)
    return (x + scale[:, None, None, None] * direction).clamp_(0, 1)


def _shorten(task: Boundaries, closest: Closest, before: Tensor) -> None:
    """False position on the segments from the images, whose margins are ``before``, to their closest adversarials."""
    rows = closest.distance.isfinite().nonzero()[:, 0]
    if not len(rows):
        return
    image, end = task.images[rows], closest.images[rows]
    low, high = torch.zeros_like(before[rows]), torch.ones_like(before[rows])
    below, above = before[rows], task.adversarial(end, rows)[1]
    for _ in range(SHORTENINGS):
        root = (below / (below - above)).nan_to_num(0.5, 0.5, 0.5).clamp(0, 1)
        share = low + (high - low) * (root + PAST_THE_ROOT * (1 - root))
        x = torch.lerp(image, end, share[:, None, None, None])
        fooled, margins = task.adversarial(x, rows)
        closest.see(x, fooled, norms(x - image, task.norm), rows)
        low, below = torch.where(fooled, low, share), torch.where(fooled, below, margins)
        high, above = torch.where(fooled, share, high), torch.where(fooled, margins, above)


def _of(values: Tensor | None, rows: Tensor) -> Tensor | None:
    return None if values is None else values[rows]


def _check_plane(candidates: int | None, target_classes: int | None, targets: Tensor | None) -> None:
    """One of them at most says which planes count."""
    given = {"targets": targets, "target_classes": target_classes, "candidates": candidates}
    names = [name for name, value in given.items() if value is not None]
    if len(names) > 1:
        raise ValueError(
            f"{names[1]} is {given[names[1]]}, expected None beside {names[0]}: each says which boundaries count"
        )


def _check_classes(classes: int, candidates: int | None, target_classes: int | None) -> None:
    """The model has so many."""
    for name, count, most in (("candidates", candidates, classes), ("target_classes", target_classes, classes - 1)):
        if count is not None and count > most:
            raise ValueError(f"{name} is {count}, expected at most {most}: the model has {classes} classes")
