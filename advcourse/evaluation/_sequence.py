"""Attacks one after another on a set of images: who fools which, at what cost; stopped and resumed, or shared out."""

from __future__ import annotations

import inspect
import sys
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from advcourse import __version__
from advcourse.attacks import fab
from advcourse.core.balls import norms
from advcourse.core.files import replacing
from advcourse.core.identity import digest, identify
from advcourse.core.losses import watching
from advcourse.core.running import Model, counted, evaluating, predict, predicted
from advcourse.core.validation import check_logits
from advcourse.evaluation._draws import classes, clean_passes
from advcourse.evaluation._promises import promised, within

Attack = Callable[..., Tensor]
Attacks = Mapping[str, Attack]


@dataclass
class Cost:
    """What one attack took for all the images that it was shown: passes, seconds, and first gradients that vanished."""

    forwards: int = 0
    backwards: int = 0
    seconds: float = 0.0
    vanishing: int = 0


@dataclass
class Run:
    """Where a run of attacks stands.

    Attributes:
        adversarial: ``(N, C, H, W)``: what fooled, the image itself else.
        attacked: ``(N,)``: classified correctly before, in one draw at least.
        fooled_by: ``(A, N)``: whether that attack fooled the image; not where it was not shown it.
        tried: ``(A, N)``: whether it was shown it.
        costs: by attack.
        random: whether the model draws.
        clean: ``(N,)``: share of the draws in which the image is classified correctly.
        draws: passes by which images are judged.
        known: ``(N,)``: fooled in a smaller ball before this run.
    """

    adversarial: Tensor
    attacked: Tensor
    fooled_by: Tensor
    tried: Tensor
    costs: dict[str, Cost]
    random: bool
    clean: Tensor
    draws: int
    known: Tensor

    @property
    def fooled(self) -> Tensor:
        """``(N,)``: images that some attack fooled."""
        return self.fooled_by.any(0) | self.known

    @property
    def alone(self) -> Tensor:
        """``(A, N)``: images that this attack fooled and no other did."""
        return self.fooled_by & (self.fooled_by.sum(0) == 1)


@dataclass(frozen=True)
class Task:
    """What is attacked, and in which ball.

    Attributes:
        indices: int64 ``(N,)``: where in the set each image stands.
        seed: of the attacks that draw.
    """

    model: Model
    images: Tensor
    labels: Tensor
    eps: float
    norm: str
    indices: Tensor
    seed: int = 0
    batch_size: int = 256


def in_turn(
    task: Task,
    attacks: Attacks,
    *,
    everything: bool = False,
    minimal: Collection[str] = (),
    checkpoint: Path | None = None,
    progress: bool = False,
    known: Run | None = None,
) -> Run:
    """Show each attack the images that none before it has fooled, or ``everything``. The model is in eval mode.

    An image is fooled where what the attack returned lies in the ball and is not classified correctly in the majority
    of the draws (of which a model that does not draw has one). The first adversarial image is kept; in a ball of
    infinite radius the closest. In a ball of none nothing is shown.

    Args:
        attacks: by name; those that take ``seed`` and ``indices`` are handed them.
        minimal: names of the attacks that return what is closest, anywhere in the box; the others promise the ball.
        checkpoint: file written after every batch; a run that is there is gone on with.
        known: an earlier run on the same images in a smaller ball: what is fooled there stays fooled.

    Raises:
        ValueError: where an attack breaks its promise, or the checkpoint is of another run.
    """
    identity = {} if checkpoint is None else _identity(task, attacks, everything)
    state = _resumed(task, checkpoint, identity) or _begun(task, list(attacks), known)
    bar = tqdm(
        total=int(state.attacked.sum()), disable=not progress, file=sys.stdout, desc=f"{task.norm} {task.eps:.4g}"
    )
    for number, (name, attack) in enumerate(attacks.items()):
        bar.set_postfix_str(name)
        left = state.attacked & ~state.tried[number] & (task.eps > 0)
        left = left if everything else left & ~state.fooled
        for rows in left.nonzero()[:, 0].split(task.batch_size) if left.any() else ():
            _show(task, attack, rows, state, number, name in minimal)
            if checkpoint is not None:
                _keep(checkpoint, identity, state)
            bar.update(int(state.fooled.sum()) - bar.n)
    bar.close()
    return state


def _begun(task: Task, names: list[str], known: Run | None) -> Run:
    logits, random = clean_passes(task.model, task.images, batch_size=task.batch_size)
    check_logits(logits[0], task.labels)
    clean = (classes(logits) == task.labels.cpu()).double().mean(0)
    blank = torch.zeros(len(names), len(clean), dtype=torch.bool)
    adversarial, before = task.images.clone(), torch.zeros(len(clean), dtype=torch.bool)
    if known is not None:
        adversarial, before, clean, random = known.adversarial.clone(), known.fooled, known.clean, known.random
    costs = {name: Cost() for name in names}
    return Run(adversarial, clean > 0, blank, blank.clone(), costs, random, clean, len(logits), before)


def _show(task: Task, attack: Attack, rows: Tensor, state: Run, number: int, minimal: bool) -> None:
    """Attack the images ``rows``; keep what fools, and count what it cost."""
    there = rows.to(task.images.device)
    x, y = task.images[there], task.labels[there]
    with evaluating(task.model), counted(task.model) as (shown, passes), watching() as first:
        start = _spent(x)
        result = attack(shown, x.clone(), y.clone(), **drawn(attack, task.seed, task.indices[there].clone()))
        seconds = _spent(x) - start
    name, cost = list(state.costs.items())[number]
    cost.forwards += passes.forwards
    cost.backwards += passes.backwards
    cost.seconds += seconds
    cost.vanishing += sum(int(mask.sum()) for mask in first)
    eps, norm = (None, None) if minimal else (task.eps, task.norm)
    result = promised(result, x, eps, norm, rows, name=name)
    passes_after, _ = clean_passes(task.model, result, state.draws, batch_size=len(rows))
    wrong = (classes(passes_after) != y.cpu()).double().mean(0) > 0.5
    found = wrong & within(result, x, task.eps, task.norm).cpu()
    new = found & ~state.fooled[rows]
    if task.eps == torch.inf:
        closer = norms(result - x, task.norm) < norms(state.adversarial[there] - x, task.norm)
        new |= found & closer.cpu()
    new = new.to(there.device)
    state.adversarial[there[new]] = result[new]
    state.tried[number, rows] = True
    state.fooled_by[number, rows] = found


def drawn(attack: Attack, seed: int, indices: Tensor) -> dict[str, Any]:
    """What an attack that draws by seed and place is handed, unless it was set before."""
    open_to = taken(attack) - set_before(attack)
    return {name: value for name, value in {"seed": seed, "indices": indices}.items() if name in open_to}


def taken(attack: Attack) -> set[str]:
    """Names of the arguments that an attack takes; those of a ball and of draws where it takes any."""
    try:
        parameters = inspect.signature(attack).parameters
    except (TypeError, ValueError):  # none that can be read
        return set()
    anything = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values())
    return set(parameters) | ({"eps", "norm", "seed", "indices"} if anything else set())


def seeks_distance(attack: Attack) -> bool:
    """Whether it returns what is closest wherever that is: FAB, and every attack that takes no radius."""
    function = attack
    while isinstance(function, partial):
        function = function.func
    return function is fab or "eps" not in taken(attack)


def set_before(attack: Attack) -> set[str]:
    """Names of the arguments that a ``partial`` has set."""
    return set(getattr(attack, "keywords", {}))


def _spent(images: Tensor) -> float:
    """Seconds of the processor; where the images lie on another device, of the clock once its work is done."""
    if images.device.type == "cpu":
        return time.process_time()
    torch.accelerator.synchronize(images.device)
    return time.perf_counter()


def _identity(task: Task, attacks: Attacks, everything: bool) -> dict[str, str]:
    """What makes this run that run, in words."""
    model = task.model
    weights = [*model.parameters(), *model.buffers()] if isinstance(model, nn.Module) else []
    return {
        "version of the library": __version__,
        "model": f"{identify(model)} {digest(weights)}",
        "images": digest([task.images]),
        "labels": digest([task.labels]),
        "indices": digest([task.indices]),
        "attacks": f"{identify(dict(attacks))} everything={everything}",
        "ball": f"{task.norm} {task.eps!r}",
        "seed": repr(task.seed),
    }


def _keep(checkpoint: Path, identity: dict[str, str], state: Run) -> None:
    content = vars(state) | {"identity": identity, "costs": {name: asdict(cost) for name, cost in state.costs.items()}}
    with replacing(checkpoint) as file:
        torch.save(content, file)


def _resumed(task: Task, checkpoint: Path | None, identity: dict[str, str]) -> Run | None:
    if checkpoint is None or not checkpoint.exists():
        return None
    try:
        kept = torch.load(checkpoint, map_location="cpu", weights_only=True)
        there = kept.pop("identity")
        costs = {name: Cost(**cost) for name, cost in kept.pop("costs").items()}
        state = Run(**kept, costs=costs)
    except Exception as error:
        raise ValueError(
            f"checkpoint is {checkpoint}, which cannot be read ({type(error).__name__}), expected that of this run: "
            "delete it to start over"
        ) from error
    other = [part for part in identity if there.get(part) != identity[part]]
    state.adversarial = state.adversarial.to(task.images.device)
    if not other and not state.random and not _answers(task, state):
        other = ["model"]
    if other:
        raise ValueError(
            f"checkpoint is of a run with other {', '.join(other)}, expected that of this run: "
            "name another file, or delete it to start over"
        )
    return state


def _answers(task: Task, state: Run) -> bool:
    """Whether the model classifies images and what fooled it as it did: its code may lie where nothing describes it."""
    clean = predicted(predict(task.model, task.images, batch_size=task.batch_size)).cpu() == task.labels.cpu()
    after = predicted(predict(task.model, state.adversarial, batch_size=task.batch_size)).cpu() != task.labels.cpu()
    return bool((clean == (state.clean > 0.5)).all()) and bool(after[state.fooled].all())
