"""A substitute: a network of one's own, trained on what an oracle answers about images made for that purpose."""

from __future__ import annotations

import copy
import math
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from tqdm import tqdm

from advcourse.blackbox._oracle import REVEALS, check_oracle
from advcourse.core.losses import input_gradient, log_odds
from advcourse.core.oracles import Answers, Asked, QueryBudgetExceeded, TopK, keeping
from advcourse.core.running import detached, evaluating, logits_of, predict, predicted
from advcourse.core.validation import (
    check_answer,
    check_at_least,
    check_callable,
    check_count,
    check_flag,
    check_images,
    check_indices,
    check_labels,
    check_model,
)
from advcourse.training import fit
from advcourse.training.loop import mix

SHOWN = 512  # images at a time, to the oracle and to the substitute's Jacobian


@dataclass(frozen=True, eq=False)
class Substitute:
    """What ``substitute`` returns.

    Attributes:
        network: the trained copy, in eval mode.
        images: the set, ``(M, C, H, W)``: the seeds, then what each round added.
        labels: what the oracle said of them, int64 ``(M,)``.
        queries: how many it was asked, M.
        history: for each training a dict with ``round``, ``images`` (of the set), ``loss`` (mean over the last epoch),
            ``agreement`` (share of the set that the network classifies as the oracle does) and what ``on_round_end``
            returned.
    """

    network: nn.Module
    images: Tensor
    labels: Tensor
    queries: int
    history: list[dict]


def jacobian_augmentation(network: nn.Module, images: Tensor, labels: Tensor, lam: float = 0.1) -> Tensor:
    """Each image, moved where the network's probability of its label changes fastest, inside the box.

    It is::

        clamp(x + λ sign(∂F_y(x)/∂x), 0, 1)

    with F the network's softmax and y the oracle's label. The sign is taken of the log-odds of y, which rise where F_y
    does and have a gradient where F_y is 1 up to rounding.

    Args:
        network: maps images to logits ``(N, K)``; it runs in eval mode, and is then back in its own.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``.
        lam: λ, in pixel units of [0, 1]; where it is negative the image goes the other way.

    Returns:
        Images ``(N, C, H, W)`` in [0, 1], within |λ| of ``images`` in linf, without a graph.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Papernot et al. 2017, arXiv:1602.02697.
    """
    check_images(images)
    check_labels(labels, images)
    check_model(network, images)
    check_at_least(-math.inf, lam=lam)
    parts = []
    with evaluating(network), torch.enable_grad():
        for x, y in zip(detached(images).split(SHOWN), labels.split(SHOWN), strict=True):
            x = x.clone().requires_grad_()
            gradient = input_gradient(-log_odds(logits_of(network, x, y), y), x)
            parts.append((x.detach() + lam * gradient.sign()).clamp_(0, 1))
    return torch.cat(parts)


def substitute(
    oracle: Asked,
    network: nn.Module,
    seeds: Tensor,
    *,
    rounds: int = 6,
    lam: float = 0.1,
    period: int | None = 1,
    reservoir: int | None = None,
    reservoir_after: int = 3,
    epochs: int = 10,
    optimizer: Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer] | None = None,
    batch_size: int = 128,
    restart: bool = False,
    queries: int | None = None,
    seed: int = 0,
    indices: Tensor | None = None,
    progress: bool = False,
    on_round_end: Callable[[nn.Module, dict], dict | None] | None = None,
) -> Substitute:
    """Train a network to answer as the oracle does, on a few images and on copies moved along its own Jacobian.

    With n seeds S₀, for ρ = 0, …, ``rounds``::

        y(x) ← the oracle's class of x,  for each x in S_ρ that it was not asked about before
        F ← trained on (x, y(x)), x ∈ S_ρ
        S_ρ₊₁ = S_ρ ∪ {clamp(x + λ_ρ sign(∂F_y(x)/∂x), 0, 1) : x ∈ S_ρ}

    where no set is made after the last training. Only the likeliest class is used of what the oracle reveals. It is
    asked about each image once: n 2^``rounds`` queries, or with a reservoir of κ after σ rounds
    n 2^σ + κ (``rounds`` - σ).

    A query is billed to the seed that its image descends from, so that ``Oracle(budget=b)`` answers n b in all. What
    cannot be paid is left out, the last made first; the round for which nothing can be paid is the end.

    What the substitute is worth depends on how it is trained: on the optimiser and the epochs, see
    ``benchmarks/substitutes.py``.

    Args:
        oracle: reveals anything.
        network: of any architecture, to logits ``(N, K)`` for the oracle's classes. It is copied, and stays as it is.
        seeds: ``(n, C, H, W)`` in [0, 1]: a few images of every class.
        rounds: how often the set grows.
        lam: λ, in pixel units of [0, 1].
        period: τ, with which λ_ρ = λ (-1)^⌊ρ/τ⌋: after τ rounds the other way, and so on. None: always λ, from
            which less transfers (see the benchmark).
        reservoir: κ: from then on a round adds copies of κ images alone, each as likely to be drawn.
        reservoir_after: σ, the rounds that add copies of all.
        epochs: of each training.
        optimizer: from parameters to an optimiser, made anew for each training; Adam with learning rate 1e-3 where it
            is not given.
        batch_size: images per step.
        restart: train each time from the weights that ``network`` came with, not from those of the round before.
        queries: at most so many in all; the oracle's budget counts as well.
        seed: of the order of the images, of what the network draws in training and of the reservoir.
        indices: int64 ``(n,)``: the places that the seeds' queries are billed to; 0 to n - 1 where not given.
        progress: show a progress bar on stdout.
        on_round_end: ``(network, record) -> dict | None``, called after each training with the network in eval mode;
            what it returns is added to the record.

    Returns:
        The trained copy, the set with the oracle's labels, the number of queries, and the history: a ``Substitute``.

    Raises:
        QueryBudgetExceeded: where no seed has a query left.
        OracleError: where the oracle fails; the images that it had labelled by then are in its ``images``.
        FloatingPointError: where a training diverges.
        ValueError: for bad input; the message names the argument.

    Source: Papernot, McDaniel, Goodfellow, Jha, Celik & Swami 2017, arXiv:1602.02697; for the period and the
    reservoir also Papernot, McDaniel & Goodfellow 2016, arXiv:1605.07277.
    """
    check_oracle(oracle, REVEALS)
    if not isinstance(network, nn.Module):
        raise ValueError(f"network is a {type(network).__name__}, expected an nn.Module to be copied and trained")
    check_images(seeds, "seeds")
    check_model(network, seeds)
    check_at_least(0, lam=lam)
    check_count(at_least=0, rounds=rounds, reservoir_after=reservoir_after, seed=seed)
    check_flag(restart=restart)
    check_count(epochs=epochs, batch_size=batch_size)
    check_count(optional=True, period=period, reservoir=reservoir, queries=queries)
    if optimizer is not None:
        check_callable(optimizer=optimizer)
    if indices is not None:
        check_indices(indices, seeds)
    numbers = torch.arange(len(seeds), device=seeds.device) if indices is None else indices
    with torch.inference_mode(False), torch.enable_grad():
        new, rows = detached(seeds).clone(), numbers.clone()
        x, y, billed = new[:0], rows[:0], rows[:0]
        classes, trained, history = _classes(network, new[:1]), copy.deepcopy(network), list[dict]()
        with keeping(lambda: x):
            for rho in tqdm(range(rounds + 1), "round", file=sys.stdout, disable=not progress):
                paid = _affordable(oracle, rows, None if queries is None else queries - len(x))
                if not len(paid):
                    break
                for part in paid.split(SHOWN):
                    y = torch.cat([y, _likeliest(oracle(new[part], rows[part])).to(y.device)])
                    x, billed = torch.cat([x, new[part]]), torch.cat([billed, rows[part]])
                if y.max() >= classes:
                    raise ValueError(f"network has {classes} classes, expected more: the oracle answered {y.max()}")
                if restart:
                    trained = copy.deepcopy(network)
                made = fit(
                    trained,
                    (x, y),
                    epochs=int(epochs),
                    optimizer=None if optimizer is None else _optimizer(optimizer, trained),
                    batch_size=int(batch_size),
                    seed=mix(int(seed), rho),
                    progress=False,
                )
                agreement = (predicted(predict(trained, x)) == y).double().mean().item()
                history.append({"round": rho, "images": len(x), "loss": made[-1]["loss"], "agreement": agreement})
                if on_round_end is not None:
                    with evaluating(trained):
                        history[-1] |= on_round_end(trained, dict(history[-1])) or {}
                if rho < rounds:
                    few = reservoir if rho >= reservoir_after else None
                    chosen = torch.arange(len(x)) if few is None else _reservoir(len(x), int(few), mix(int(seed), rho))
                    chosen = chosen.to(x.device)
                    signed = lam if period is None else lam * (-1) ** (rho // period)
                    new, rows = jacobian_augmentation(trained, x[chosen], y[chosen], signed), billed[chosen]
    if not history:
        raise QueryBudgetExceeded(f"none of the {len(seeds)} seeds has a query left")
    return Substitute(trained.eval(), x, y, len(x), history)


def _classes(network: nn.Module, x: Tensor) -> int:
    with evaluating(network), torch.no_grad():
        logits = network(x)
    check_answer(logits, len(x))
    return logits.shape[1]


def _optimizer(
    optimizer: Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer], network: nn.Module
) -> torch.optim.Optimizer:
    made = optimizer(network.parameters())
    if not isinstance(made, torch.optim.Optimizer):
        raise ValueError(f"optimizer returned a {type(made).__name__}, expected a torch.optim.Optimizer")
    return made


def _likeliest(answers: Answers) -> Tensor:
    """The class that answers of any kind put first, int64 ``(M,)``."""
    if isinstance(answers, TopK):
        return answers.classes[:, 0]
    return answers.argmax(1) if answers.dim() == 2 else answers


def _affordable(oracle: Asked, rows: Tensor, most: int | None) -> Tensor:
    """Of queries billed to ``rows``, ``(M,)``, the places of those that can be paid: the first of every row."""
    order = rows.argsort(stable=True)
    _, counts = rows[order].unique_consecutive(return_counts=True)
    first = (counts.cumsum(0) - counts).repeat_interleave(counts)
    place = torch.empty_like(rows)
    place[order] = torch.arange(len(rows), device=rows.device) - first
    return (place < oracle.left(rows)).nonzero()[:most, 0]


def _reservoir(count: int, size: int, seed: int) -> Tensor:
    """``size`` of the numbers 0 to ``count`` - 1, each as likely; all where there are no more."""
    kept = torch.arange(min(size, count))
    later = torch.arange(len(kept), count)
    draws = torch.rand(len(later), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    for number, place in zip(later.tolist(), (draws * (later + 1)).long().tolist(), strict=True):
        if place < size:
            kept[place] = number
    return kept
