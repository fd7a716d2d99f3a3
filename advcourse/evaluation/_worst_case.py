"""The worst case over everything that was run: robust accuracy with an interval, and the curve over the radius."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from advcourse.attacks import alma, fab, pdpgd
from advcourse.core.balls import NORMS, norms
from advcourse.core.running import Model, detached, evaluating, predict, predicted
from advcourse.core.streams import Streams
from advcourse.core.validation import check_choice, check_count, check_file, check_flag, check_inputs, check_named
from advcourse.evaluation._autoattack import VERSIONS, classes_of, sequence
from advcourse.evaluation._controls import random_signs
from advcourse.evaluation._evaluate import ascending
from advcourse.evaluation._processes import gathered, shared, suffix
from advcourse.evaluation._robustness_report import Level, Part, RobustnessReport
from advcourse.evaluation._sequence import Attack, Run, Task, in_turn, seeks_distance, set_before, taken

CLOSEST: dict[str, dict[str, Attack]] = {
    "linf": {"PDPGD": partial(pdpgd, norm="linf", steps=300), "FAB": partial(fab, norm="linf", steps=20)},
    "l2": {"ALMA": partial(alma, steps=200), "FAB": partial(fab, norm="l2", steps=20)},
    "l1": {"PDPGD": partial(pdpgd, norm="l1", steps=300), "FAB": partial(fab, norm="l1", steps=20)},
}
"""By norm, the attacks whose smallest distances make the curve."""
BISECTIONS = 8


def evaluate_robustness(
    model: Model,
    images: Tensor,
    labels: Tensor,
    *,
    eps: float | Sequence[float],
    norm: str = "linf",
    attacks: str | Mapping[str, Attack] = "fast",
    everything: bool = False,
    curve: bool = True,
    seed: int = 0,
    batch_size: int | None = None,
    checkpoint: str | os.PathLike | None = None,
    progress: bool = False,
) -> RobustnessReport:
    """Robust accuracy as the worst case, image by image, over several kinds of attack.

    An image counts as robust where it is classified correctly and neither the attacks nor, with ``curve``, two
    minimal-norm attacks on every image have found an adversarial one within ``eps``. These, and bisections of the way
    to what the others found, give each image's distance, and with it the accuracy at every radius at once. Where they
    fool an image within ``eps`` that all others missed, a warning names the image: the others were not strong enough.

    Each attack is shown what those before it have left, so that what ``Part.fooled`` counts is what it adds; with
    ``everything`` each is shown every image, and ``Part.alone`` is what it alone finds. The model is put in eval mode
    and then back. A random model is judged by 10 draws: an image is fooled where it is misclassified in most of them.

    Where the process is one of several (``accelerate launch``, ``torchrun``), the images are shared out, and every
    process returns the report of all.

    Args:
        model: maps images to logits ``(N, K)``, K ≥ 2.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``.
        eps: radius of the ball, in pixel units of [0, 1], or several, ascending.
        norm: ``"linf"``, ``"l2"`` or ``"l1"``.
        attacks: a version of ``autoattack``, or attacks by name, which are handed ``eps``, ``norm``, ``seed`` and
            ``indices`` where they take them and these are not set. One that takes no ``eps`` may return images outside
            the ball, which then do not count; so may ``fab``. A draw of random signs of size ``eps`` comes last.
        everything: show every image to every attack.
        curve: run the minimal-norm attacks too.
        seed: of all draws; they depend on it and on an image's place alone.
        batch_size: images attacked at a time, 256 where it is not given.
        checkpoint: file (one for each radius, and each process, beside it) from which a killed run goes on.
        progress: show bars.

    Returns:
        A ``RobustnessReport``; printed, it is its table.

    Raises:
        ValueError: for bad input, or a checkpoint of another run; the message names the argument.

    Source: the protocol of Carlini et al. 2019, arXiv:1902.06705 (the worst case of each example, several attacks, a
    curve), and of Croce & Hein 2020, arXiv:2003.01690.
    """
    check_inputs(model, images, labels)
    radii = _radii(eps)
    check_choice("norm", norm, NORMS)
    check_count(at_least=0, seed=seed)
    check_count(optional=True, batch_size=batch_size)
    check_flag(everything=everything, curve=curve)
    check_file(checkpoint=checkpoint)
    images, size = detached(images), int(batch_size or 256)
    mine = shared(torch.arange(len(images), device=images.device))
    with evaluating(model):
        classes = classes_of(model, images[:size])
        versions = [_attacks(attacks, radius, norm, classes) for radius in radii]
        known, runs = None, []
        for number, (radius, named) in enumerate(zip(radii, versions, strict=True)):
            task = Task(model, images[mine], labels[mine], radius, norm, mine, int(seed), size)
            known = in_turn(
                task,
                named,
                everything=everything,
                minimal=[name for name, attack in named.items() if seeks_distance(attack)],
                checkpoint=_beside(checkpoint, f"{number}"),
                progress=progress,
                known=known,
            )
            runs.append(known)
        closest = bisected = None
        if curve:
            task = Task(model, images[mine], labels[mine], torch.inf, norm, mine, int(seed), size)
            near, file = CLOSEST[norm], _beside(checkpoint, "closest")
            found = in_turn(task, near, everything=True, minimal=tuple(near), checkpoint=file, progress=progress)
            closest, bisected = (gathered(run, len(images)) for run in (found, _shorter(task, runs[-1], found)))
        runs = [gathered(each, len(images)) for each in runs]
    return _report(images, radii, norm, attacks, int(seed), runs, closest, bisected)


def _shorter(task: Task, last: Run, closest: Run) -> Run:
    """What is closer of ``closest`` and of bisections of the way to what the other attacks found, who spend the whole
    radius.
    """
    if last.random or not last.fooled.any():
        return closest
    closest = replace(closest, adversarial=closest.adversarial.clone(), known=closest.known.clone())
    rows = last.fooled.nonzero()[:, 0].to(task.images.device)
    x, y, way = task.images[rows], task.labels[rows], last.adversarial[rows] - task.images[rows]
    low, high = (torch.full_like(x[:, 0, 0, 0], value)[:, None, None, None] for value in (0.0, 1.0))
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        wrong = (predicted(predict(task.model, x + middle * way, batch_size=task.batch_size)) != y)[:, None, None, None]
        low, high = torch.where(wrong, low, middle), torch.where(wrong, middle, high)
    near = x + high * way
    shorter = norms(near - x, task.norm) < norms(closest.adversarial[rows] - x, task.norm)
    shorter |= ~closest.fooled[rows.cpu()].to(rows.device)
    closest.adversarial[rows[shorter]] = near[shorter]
    closest.known[rows[shorter].cpu()] = True
    return closest


def _radii(eps: float | Sequence[float]) -> list[float]:
    given: Any = eps.tolist() if hasattr(eps, "tolist") else eps  # a tensor or an array
    return ascending(given if isinstance(given, Sequence) and not isinstance(given, str) else [given])


def _attacks(attacks: str | Mapping[str, Attack], eps: float, norm: str, classes: int) -> Mapping[str, Attack]:
    if isinstance(attacks, str):
        check_choice("attacks", attacks, VERSIONS)
        return dict(sequence(attacks, eps=eps, norm=norm, classes=classes)) | _signs(eps, norm)
    signs = _signs(eps, norm)
    named_well = isinstance(attacks, Mapping) and all(isinstance(name, str) for name in attacks)
    if not named_well or not attacks or not all(callable(attack) for attack in attacks.values()):
        raise ValueError(
            f"attacks is {attacks!r}, expected one of {', '.join(VERSIONS)}, or attacks by name: {{'PGD': attacks.pgd}}"
        )
    check_named("attacks", attacks, "attacks", reserved=signs)
    ball = {"eps": eps, "norm": norm}
    named: dict[str, Attack] = {}
    for name, attack in attacks.items():
        open_to = taken(attack) - set_before(attack)
        named[name] = partial(attack, **{key: value for key, value in ball.items() if key in open_to})
    return named | signs


def _signs(eps: float, norm: str) -> dict[str, Attack]:
    """The control, last: it finds what answers NaN off the images, which attacks do not take for success."""

    def random_sign(model: Model, images: Tensor, labels: Tensor, *, seed: int, indices: Tensor) -> Tensor:
        return random_signs(images, eps=eps, norm=norm, draws=Streams(seed, "control", images, indices))

    return {"random signs": random_sign}


def _beside(checkpoint: str | os.PathLike | None, part: str) -> Path | None:
    if checkpoint is None:
        return None
    file = Path(checkpoint)
    return file.with_name(f"{file.stem}-{part}{suffix()}{file.suffix}")


def _report(
    images: Tensor,
    radii: list[float],
    norm: str,
    attacks: str | Mapping[str, Attack],
    seed: int,
    runs: list[Run],
    closest: Run | None,
    bisected: Run | None,
) -> RobustnessReport:
    """All runs together: what the minimal-norm attacks found within a radius counts there too, and what bisections
    found; only the former is what the others missed.
    """
    first, last = runs[0], runs[-1]
    adversarial, distance = last.adversarial.clone(), torch.where(first.attacked, torch.inf, 0.0).double()
    for radius, each in zip(radii, runs, strict=True):
        far = norms(each.adversarial - images, norm).cpu().double().clamp_max(radius)  # where rounding exceeds it
        distance = torch.where(each.fooled, distance.minimum(far), distance)
    parts = [part for radius, each in zip(radii, runs, strict=True) for part in _parts(radius, each)]
    levels, missed = [], torch.zeros(0, dtype=torch.int64)
    at_any = missed
    if closest is not None and bisected is not None:
        far = _distances(closest, images, norm)
        short = [~each.fooled & each.attacked & (far <= radius) for radius, each in zip(radii, runs, strict=True)]
        missed, at_any = (mask.nonzero()[:, 0] for mask in (short[-1], torch.stack(short).any(0)))
        nearer = short[-1].to(images.device)
        adversarial[nearer] = closest.adversarial[nearer]
        distance = distance.minimum(_distances(bisected, images, norm))
        parts += _parts(None, closest)
    for radius, each in zip(radii, runs, strict=True):
        fooled = (each.fooled | (distance <= radius)) & (radius > 0)
        levels.append(Level.of(radius, each.clean * ~fooled))
    if len(at_any):
        warnings.warn(
            f"the minimal-norm attacks find adversarial images within eps={_said(radii)} ({norm}) where no other "
            f"attack found any: {_some(at_any)}. {'It is' if len(at_any) == 1 else 'They are'} counted; the other "
            "attacks were not strong enough, so that more may be missing: evaluation.diagnose says why",
            stacklevel=3,
        )
    drawn = first.random and attacks != "rand" and isinstance(attacks, str)
    if drawn:
        warnings.warn(
            f'the model draws, and attacks is "{attacks}", whose attacks follow a single draw: robust accuracy is '
            'overstated; attacks="rand" averages over draws',
            stacklevel=3,
        )
    return RobustnessReport(
        norm=norm,
        levels=levels,
        parts=parts,
        clean_accuracy=first.clean.mean().item(),
        attacks=attacks if isinstance(attacks, str) else ", ".join(attacks),
        seed=seed,
        adversarial=adversarial,
        attacked=first.attacked,
        fooled=first.attacked & fooled,
        distance=distance if closest is not None else None,
        missed=missed,
        clean=first.clean,
        random=first.random,
        draws=first.draws,
        notes=['its attacks follow a single draw: take attacks="rand"'] if drawn else [],
        device=str(images.device),
    )


def _distances(found: Run, images: Tensor, norm: str) -> Tensor:
    """Of what fooled, ``(N,)``; infinite else."""
    return torch.where(found.fooled, norms(found.adversarial - images, norm).cpu().double(), torch.inf)


def _parts(eps: float | None, found: Run) -> list[Part]:
    return [
        Part(
            name=name,
            eps=eps,
            tried=int(found.tried[number].sum()),
            fooled=int(found.fooled_by[number].sum()),
            alone=int(found.alone[number].sum()),
            forwards=cost.forwards,
            backwards=cost.backwards,
            seconds=cost.seconds,
            vanishing=cost.vanishing,
        )
        for number, (name, cost) in enumerate(found.costs.items())
    ]


def _said(radii: list[float]) -> str:
    return ", ".join(f"{radius:g}" for radius in radii)


def _some(numbers: Tensor, most: int = 10) -> str:
    shown = ", ".join(map(str, numbers[:most].tolist()))
    kind = "image" if len(numbers) == 1 else f"{len(numbers)} images, numbers"
    return f"{kind} {shown}{', …' if len(numbers) > most else ''}"
