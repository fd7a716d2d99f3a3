"""Attack by transfer: crafted on networks of one's own, tried on the oracle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn

from advcourse.attacks import mifgsm
from advcourse.blackbox._asking import Asking, started
from advcourse.blackbox._oracle import REVEALS
from advcourse.core.balls import NORMS, project
from advcourse.core.losses import margin
from advcourse.core.oracles import SCORES, Asked
from advcourse.core.running import Model
from advcourse.core.validation import (
    check_above,
    check_alike,
    check_at_least,
    check_at_most,
    check_callable,
    check_choice,
    check_model,
)
from advcourse.wrappers import ensemble

Crafts = Callable[..., Tensor]
"""``(model, images, labels[, targets=…]) -> images``, as every attack with its parameters set."""


def transfer_attack(
    surrogates: Model | Sequence[nn.Module],
    oracle: Asked,
    images: Tensor,
    labels: Tensor,
    *,
    eps: float,
    norm: str = "linf",
    attack: Crafts | Sequence[Crafts] | None = None,
    sizes: Sequence[float] = (1.0,),
    queries: int | None = None,
    targets: Tensor | None = None,
    indices: Tensor | None = None,
) -> Tensor:
    """Attack by transfer: perturbations made on other networks, tried on the oracle one after another.

    Several surrogates are attacked as one, their ``wrappers.ensemble``. With x̃ⱼ what attack j makes of x on them, the
    oracle is asked about x itself and then, until it is fooled, about ::

        x + s (x̃ⱼ - x),   for each size s, and for each attack j

    The sizes grow, so that what transfers is found at the smallest of them that does. Each look is one query: at most
    1 + (number of sizes) (number of attacks), and none after the first that fools. What is crafted costs no query, and
    is crafted for the images alone that the oracle classifies correctly.

    Args:
        surrogates: a model, or several for the same classes as the oracle's; they run in the mode each is in.
        oracle: reveals anything.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``.
        eps: radius of the ball, in pixel units of [0, 1]; what an attack makes is projected onto it.
        norm: ``"linf"``, ``"l2"`` or ``"l1"``.
        attack: ``(model, images, labels[, targets=…]) -> images``, or several; ``functools.partial`` sets its
            parameters. In linf ``mifgsm`` with 10 steps where it is not given. Random signs in place of an attack are
            the control.
        sizes: shares of the perturbation, growing, in (0, 1].
        queries: at most so many for each image; the oracle's budget counts as well.
        targets: int64 ``(N,)``: the classes to reach.
        indices: int64 ``(N,)``: the images of the set that the queries are billed to; 0 to N - 1 where not given.

    Returns:
        Images ``(N, C, H, W)`` in [0, 1], within ``eps`` of ``images``, without a graph: those fooled as they were at
        that query. Of the others, where scores are revealed, the one asked about that has the highest margin; else, or
        where there was no query left for any, the one that the last attack made, at full size, which no query has
        looked at or which did not fool. The misclassified (or predicted as their target) are untouched.

    Raises:
        OracleError: where the oracle fails; what was found by then is in its ``images``.
        ValueError: for bad input; the message names the argument.

    Source: Papernot, McDaniel & Goodfellow 2016, arXiv:1605.07277; several surrogates: Liu, Chen, Liu & Song 2017,
    arXiv:1611.02770; the default attack: Dong et al. 2018, arXiv:1710.06081.
    """
    asking = Asking(oracle, images, labels, targets, indices, queries, REVEALS)
    check_at_least(0, eps=eps)
    check_choice("norm", norm, NORMS)
    _check_sizes(sizes)
    model = _fused(surrogates)
    check_model(model, images)
    attacks = _attacks(attack, eps, norm)

    def craft(number: int, rows: Tensor) -> Tensor:
        """The images ``rows`` as that attack makes them."""
        aim = {} if targets is None else {"targets": targets[rows]}
        with torch.enable_grad():
            made = attacks[number](model, clean[rows], labels[rows], **aim)
        check_alike("the result of attack", made, clean, (len(rows), *clean.shape[1:]), "the images'")
        return project(made.detach(), clean[rows], eps, norm)

    def look(x: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Which fool, and how strong they are: -∞ where that is not revealed."""
        if oracle.reveals not in SCORES:
            fooled = asking.decided(x, rows)
            return fooled, torch.full(fooled.shape, -torch.inf, dtype=x.dtype, device=x.device)
        scores = asking.scores(x, rows)
        return asking.fooled(scores, rows), asking.loss(margin, scores, rows)

    with started(images) as strongest:
        clean = strongest.images.clone()
        going = torch.ones_like(labels, dtype=torch.bool)
        rows = asking.affordable(going.nonzero()[:, 0], 1)
        if len(rows):
            going[rows] = ~look(clean[rows], rows)[0]
        crafted = clean.repeat(len(attacks), 1, 1, 1, 1)
        for size in sizes:
            for number in range(len(attacks)):
                rows = going.nonzero()[:, 0]
                if size == sizes[0] and len(rows):
                    crafted[number, rows] = craft(number, rows)
                    unranked = rows[strongest.loss[rows] == -torch.inf]
                    strongest.images[unranked] = crafted[number, unranked]
                rows = asking.affordable(rows, 1)
                if len(rows):
                    moved = torch.lerp(clean[rows], crafted[number, rows], float(size)).clamp_(0, 1)
                    fooled, loss = look(moved, rows)
                    strongest.see(moved, fooled, loss, rows)
                    going[rows[fooled]] = False
    return strongest.images


def _fused(surrogates: object) -> Model:
    """The model itself, or the ensemble of several."""
    if isinstance(surrogates, Sequence) and not isinstance(surrogates, (nn.Module, str)):
        if not surrogates or not all(isinstance(model, nn.Module) for model in surrogates):
            came = ", ".join(type(model).__name__ for model in surrogates) or "nothing"
            raise ValueError(f"surrogates holds {came}, expected torch.nn.Modules, at least one")
        return surrogates[0] if len(surrogates) == 1 else ensemble(surrogates)
    if not callable(surrogates):
        raise ValueError(f"surrogates is a {type(surrogates).__name__}, expected a model, or several in a list")
    return surrogates


def _attacks(attack: Crafts | Sequence[Crafts] | None, eps: float, norm: str) -> Sequence[Crafts]:
    if attack is None:
        if norm != "linf":
            raise ValueError(f"attack is None, expected one for {norm}: the default is an attack in linf")
        return [partial(mifgsm, eps=eps)]
    if not isinstance(attack, Sequence):
        check_callable(attack=attack)
        return [attack]
    if not attack:
        raise ValueError("attack is empty, expected an attack or several")
    check_callable(**{f"attack[{number}]": each for number, each in enumerate(attack)})
    return attack


def _check_sizes(sizes: Sequence[float]) -> None:
    """Shares in (0, 1], growing."""
    if not isinstance(sizes, Sequence) or isinstance(sizes, str) or not sizes:
        raise ValueError(f"sizes is {sizes!r}, expected shares of the perturbation, at least one")
    for size in sizes:
        check_above(0, sizes=size)
        check_at_most(1, sizes=size)
    if any(low >= high for low, high in pairwise(sizes)):
        raise ValueError(f"sizes is {sizes!r}, expected them to grow")
