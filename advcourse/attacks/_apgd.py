"""Auto-PGD: projected ascent that sets its own step size, in linf, l2 and l1."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import torch
from torch import Tensor

from advcourse.attacks._paces import Halving, Sparse
from advcourse.core.balls import NORMS, project, uniform
from advcourse.core.iterates import Strongest
from advcourse.core.losses import ImageLoss, image_loss, input_gradient, log_odds, rising
from advcourse.core.running import Model, detached, is_fooled, logits_of, untouched
from advcourse.core.streams import Streams
from advcourse.core.validation import check_at_least, check_at_most, check_choice, check_count, check_flag, check_inputs


def apgd(
    model: Model,
    images: Tensor,
    labels: Tensor,
    *,
    eps: float,
    norm: str = "linf",
    steps: int = 100,
    restarts: int = 1,
    loss: str | ImageLoss = "ce",
    rho: float = 0.75,
    wide: bool = False,
    filled: bool = True,
    draws: int = 1,
    target_classes: int | None = None,
    targets: Tensor | None = None,
    seed: int = 0,
    indices: Tensor | None = None,
) -> Tensor:
    """Auto-PGD: ascent in the eps-ball whose steps shrink by themselves; each image stops as soon as it is fooled.

    In linf and l2 the steps are::

        zᵏ⁺¹ = Π(xᵏ + ηᵏ d(∇L(xᵏ)))
        xᵏ⁺¹ = Π(xᵏ + 3/4 (zᵏ⁺¹ - xᵏ) + 1/4 (xᵏ - xᵏ⁻¹)),  x¹ = z¹,  η⁰ = 2ε

    with Π the projection onto the ball and the box and d the sign or the normalised gradient. At 22, 41, 57, 70, … % of
    the steps η is halved, and the ascent goes on from the best iterate, where the loss rose in less than ``rho`` of the
    steps since the last of these, or where since then neither η nor the highest loss has changed.

    In l1 a step of length η is shared by the k pixels of largest slope that the box lets move. At every 25th of the
    steps k becomes 2/3 of the number of pixels in which the best iterate differs from the image; where that number fell
    below 95 % of what it was, η becomes ε again and the ascent goes on from the best iterate, else η shrinks by 3/2,
    to ε/10 at the least. It begins with η = ε and a fifth of the pixels.

    APGD-T (``target_classes`` n) is n runs, each with the targeted loss towards one of the n likeliest other classes,
    where any misclassification counts.

    An image that is already misclassified (with ``targets``: predicted as its target) comes back untouched; one that is
    never fooled comes back as its iterate of highest loss. Restarts work on what has not been fooled. Costs a forward
    pass, and for each image, restart and target class at most ``steps`` forward and backward passes and a forward pass
    (with ``wide``, three), times ``draws``, which also look at the clean images once more.

    Args:
        model: maps images to logits ``(N, K)``; runs in the mode it is in.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``.
        eps: radius ε of the ball, in pixel units of [0, 1].
        norm: ``"linf"``, ``"l2"`` or ``"l1"``.
        steps: steps per restart.
        restarts: how often to start, from a draw uniform in the ball and cut by the box.
        loss: ``"ce"`` (by the log-odds, which have its direction and do not underflow), ``"dlr"`` (difference of logits
            ratio; with targets the targeted one), ``"margin"``, ``"nll"`` or a callable ``(logits, labels) -> (N,)``;
            maximised, or of the targets minimised. ``"dlr"`` needs three classes, with targets four: where there are
            fewer, the margin takes its place, and a warning says so.
        rho: share of rising steps below which η is halved, in [0, 1].
        wide: the first 3/10 of the steps are taken in a ball three times as large, the next 3/10 in one of 2ε, each
            from the best of the one before, pulled into the ball; only what lies within ε counts. Serves l1.
        filled: in l1, what the box cuts off a step goes on to the best other pixels. Else it is lost, as in the
            authors' code, which also starts from Gaussian noise pulled into the ball. On black and white images the
            first is much stronger, on photographs each finds what the other does not.
        draws: passes over which loss and gradient are averaged at every step, for models that draw; fooled is then what
            is misclassified in most of them.
        target_classes: n of APGD-T, below the number of classes.
        targets: int64 ``(N,)``: the classes to reach.
        seed: of the draws, which depend on it, on ``indices`` and on nothing else.
        indices: int64 ``(N,)``: where in the set each image stands; 0 to N - 1 where not given.

    Returns:
        Images ``(N, C, H, W)`` in [0, 1], within ``eps`` of ``images``, without a graph.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Croce & Hein 2020, arXiv:2003.01690, algorithm 1 and equations 6 and 7; in l1 Croce & Hein 2021,
    arXiv:2103.01208, algorithm 1, here with what the box cuts off a step given to other pixels.
    """
    check_inputs(model, images, labels, targets)
    check_at_least(0, eps=eps, rho=rho)
    check_at_most(1, rho=rho)
    check_flag(wide=wide, filled=filled)
    check_count(steps=steps, restarts=restarts, draws=draws)
    check_count(optional=True, target_classes=target_classes)
    check_choice("norm", norm, NORMS)
    if targets is not None and target_classes is not None:
        raise ValueError("target_classes is given beside targets, expected one of them")
    per_image = log_odds if loss == "ce" else image_loss(loss)
    phases = _phases(int(steps), float(eps), wide)
    with untouched(model, images):
        images = detached(images)
        streams = Streams(seed, "apgd", images, indices)
        strongest, rows = Strongest(images), torch.arange(len(images), device=images.device)
        with torch.no_grad():
            logits = logits_of(model, images.clone(), labels, targets)
        if target_classes is not None and target_classes >= logits.shape[1]:
            raise ValueError(
                f"target_classes is {target_classes}, expected fewer than the model's {logits.shape[1]} classes"
            )
        if loss == "dlr":
            _warn_of_few_classes(logits.shape[1], 3 if targets is None and target_classes is None else 4)
        others = logits.scatter(1, labels[:, None], -torch.inf).argsort(1, descending=True)
        first = is_fooled(logits, labels, targets), rising(per_image, logits, labels, targets)
        if draws > 1:
            first = _Aim(model, per_image, labels, targets, targets, draws).look(images.clone(), rows, False)[:2]
        strongest.see(images, *first)
        for number in range(restarts * (target_classes or 1)):
            left = ~strongest.fooled[rows]
            rows, streams = rows[left], streams[left]
            if not len(rows):
                break
            towards = targets if target_classes is None else others[:, number // restarts]
            aim = _Aim(model, per_image, labels, targets, towards, draws)
            centres, x = images[rows], None
            for phase, (count, radius) in enumerate(phases):
                if x is None:
                    x = centres + _start(centres, radius, norm, streams, filled)
                x = project(x, centres, radius, norm)
                if norm == "l1":
                    pace: Halving | Sparse = Sparse(centres, radius, count, x, filled, wide)
                else:
                    pace = Halving(centres, radius, norm, count, rho)
                x = _ascend(aim, x, rows, pace, count, strongest if phase == len(phases) - 1 else None)
    return strongest.images


def _start(centres: Tensor, eps: float, norm: str, streams: Streams, filled: bool) -> Tensor:
    """Where a run begins, before it is pulled into the ball and the box."""
    if norm == "l1" and not filled:
        return streams.randn(*centres.shape[1:])
    return uniform(centres, eps, norm, streams)


def _phases(steps: int, eps: float, wide: bool) -> list[tuple[int, float]]:
    """How many steps are taken in which ball."""
    if not wide:
        return [(steps, eps)]
    first = max(1, round(0.3 * steps))
    return [(first, 3 * eps), (first, 2 * eps), (max(1, steps - 2 * first), eps)]


@dataclass(frozen=True)
class _Aim:
    """What the ascent climbs, and what counts as fooled.

    Attributes:
        targets: the classes that must be predicted; without them any but the label's counts.
        towards: the classes whose loss falls; without them the label's rises.
        draws: passes that are averaged.
    """

    model: Model
    per_image: ImageLoss
    labels: Tensor
    targets: Tensor | None
    towards: Tensor | None
    draws: int

    def look(self, x: Tensor, rows: Tensor, graph: bool) -> tuple[Tensor, Tensor, Tensor | None]:
        """Of the iterates ``x`` of images ``rows``: which fool, their loss and, where asked for, its gradient."""
        labels = self.labels[rows]
        targets, towards = (None if each is None else each[rows] for each in (self.targets, self.towards))
        wrong, height, slope = torch.zeros_like(labels), x.new_zeros(len(x)), None
        for _ in range(self.draws):
            shown = x.detach().requires_grad_(graph)
            with torch.set_grad_enabled(graph):
                logits = logits_of(self.model, shown, labels, targets)
                value = rising(self.per_image, logits, labels, towards)
            wrong = wrong + is_fooled(logits, labels, targets)
            height += value.detach().to(x.dtype) / self.draws
            if graph:
                gradient = input_gradient(value, shown)
                slope = gradient if slope is None else slope.add_(gradient)
        return 2 * wrong > self.draws, height, slope


def _warn_of_few_classes(classes: int, needed: int) -> None:
    if classes < needed:
        warnings.warn(
            f'loss is "dlr", which compares {needed} logits, and the model has {classes}: the margin is used instead',
            stacklevel=3,
        )


def _ascend(
    aim: _Aim, x: Tensor, rows: Tensor, pace: Halving | Sparse, steps: int, strongest: Strongest | None
) -> Tensor:
    """One run of images ``rows`` from ``x``; ``strongest`` is shown what fools and, at the end, the highest.

    Without ``strongest`` nothing stops, as the ball is too large for success to count; the highest are returned.
    """
    best, highest = x.clone(), x.new_full((len(x),), -torch.inf)
    gradient_at_best = torch.zeros_like(x)
    for step in range(steps + 1):
        fooled, height, gradient = aim.look(x, rows, step < steps)
        going = torch.ones_like(fooled) if strongest is None else ~fooled
        if strongest is not None and fooled.any():
            strongest.see(x[fooled], fooled[fooled], height[fooled], rows[fooled])
        better = height > highest
        torch.where(_column(better), x, best, out=best)
        highest = torch.where(better, height, highest)
        if gradient is None or not going.any():
            if strongest is not None:
                strongest.see(best[going], fooled[going], highest[going], rows[going])
            return best
        torch.where(_column(better), gradient, gradient_at_best, out=gradient_at_best)
        if not going.all():
            x, gradient, best, gradient_at_best = (t[going] for t in (x, gradient, best, gradient_at_best))
            rows, highest, height = (t[going] for t in (rows, highest, height))
            pace.keep(going)
        back = pace.adapt(step, height, best, highest)
        if back is not None:
            x = torch.where(_column(back), best, x)
            gradient = torch.where(_column(back), gradient_at_best, gradient)
        x = pace.step(x, gradient)
        del gradient
    return best


def _column(values: Tensor) -> Tensor:
    return values[:, None, None, None]
