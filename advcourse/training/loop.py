"""What any trainer needs: seeds for each step, a share of each batch, a checkpoint, a stop where it is safe.

Every random draw of a step follows from the seed, the step's number and the process's rank alone. A run that is
stopped and resumed therefore ends in the same weights, bit for bit, as one that was never stopped.
"""

from __future__ import annotations

import json
import math
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from advcourse.core.files import replacing
from advcourse.core.running import evaluating, forked
from advcourse.core.validation import check_at_least, check_at_most, check_choice, check_count
from advcourse.training._best import Best

Data = tuple[Tensor, Tensor] | Dataset
Weights = tuple[Tensor, ...] | list[Tensor]
Step = Callable[[Tensor, Tensor, int], dict[str, Tensor]]
FORMAT = 3  # of what a checkpoint holds; another is refused as one of another run
ORDER, AUGMENT, LOSS = range(3)  # streams of draws; in several processes each draws its loss from LOSS + rank


def run_epochs(
    step: Step,
    data: Data,
    model: nn.Module,
    accelerator: Accelerator,
    *,
    epochs: int,
    batch_size: int,
    seed: int,
    identity: dict,
    parts: Mapping[str, Stateful],
    checkpoint: Path | None = None,
    resume: bool = True,
    progress: bool = True,
    about: Callable[[], dict] = dict,
    on_epoch_end: Callable[[nn.Module, dict], dict | None] | None = None,
    best: Best | None = None,
) -> list[dict]:
    """Passes over the data in an order of the seed's, with a checkpoint after each, and after Ctrl-C.

    Args:
        step: ``(images, labels, number) -> {name: mean over the images}``: one step on a batch, on the device. A name
            that not every step returns has its mean over the images of those that do.
        data: images ``(N, C, H, W)`` and labels ``(N,)``, or a ``Dataset`` of such pairs.
        model: in training mode in each step; afterwards every module is back in its own mode.
        accelerator: of the run, whose main process writes and shows.
        epochs, batch_size, seed: of the run.
        identity: what a checkpoint must agree with to be resumed.
        parts: what has a state dict, by name.
        checkpoint, resume, progress: as in ``fit``.
        about: what else is to be recorded at the end of an epoch.
        on_epoch_end: as in ``fit``.
        best: keeps the weights of the epoch that scores highest, and says when to end; it is one of ``parts``, too.

    Returns:
        The history: for each epoch a dict with ``epoch``, the means of what ``step`` returned, and what ``about`` and
        ``on_epoch_end`` did.

    Raises:
        ValueError: a checkpoint that is damaged or of another run, or a record that holds more than numbers and texts.
        FloatingPointError: a mean is no longer finite; the checkpoint of the epoch before is kept.
        KeyboardInterrupt: Ctrl-C, after the step in progress and the checkpoint.
    """
    n, device = count(data), accelerator.device
    per_epoch = steps_per_epoch(n, batch_size)
    identity = {"format": FORMAT, **identity}
    done, history = 0, list[dict]()
    totals, counts = dict[str, Tensor](), dict[str, int]()
    if checkpoint and resume and checkpoint.exists():
        state = load(checkpoint, identity, parts)
        done, history = state["step"], state["history"]
        totals = {name: torch.tensor(total, device=device) for name, total in state["totals"].items()}
        counts = state["counts"]
        if len(history) > epochs:
            raise ValueError(f"epochs is {epochs}, expected at least the {len(history)} that {checkpoint} has run")

    def keep() -> None:
        if checkpoint and accelerator.is_main_process:
            sums = {name: total.item() for name, total in totals.items()}
            save(checkpoint, identity, {"step": done, "totals": sums, "counts": counts, "history": history}, parts)

    # What was frozen by eval() in a network that trains stays so; a network handed over in eval mode trains whole.
    modes = [(module, module.training or not model.training) for module in model.modules()]
    shown = progress and accelerator.is_main_process
    bar = tqdm(total=epochs * per_epoch, initial=done, file=sys.stdout, mininterval=0.5, disable=not shown)
    with bar, forked(device), evaluating(model), deferred_interrupt() as interrupt:
        for epoch in range(done // per_epoch, epochs):
            if best and best.waited_enough:
                break
            bar.set_description(f"epoch {epoch + 1}/{epochs}")
            for module, training in modes:  # ``evaluating`` puts each back in its own mode at the end
                module.training = training
            order = torch.randperm(n, generator=torch.Generator().manual_seed(mix(seed, ORDER, epoch)))
            for images, labels in batches(data, order[done % per_epoch * batch_size :], batch_size):
                means = step(images.to(device), labels.to(device), done)
                for name, mean in means.items():
                    total = totals.setdefault(name, torch.zeros((), device=device))
                    total += accelerator.reduce(mean.detach(), "mean") * len(images)
                    counts[name] = counts.get(name, 0) + len(images)
                done += 1
                bar.update()
                if interrupt.is_set() and done % per_epoch:
                    if all(math.isfinite(total.item()) for total in totals.values()):
                        keep()
                    raise KeyboardInterrupt
            mean_of = {name: total.item() / counts[name] for name, total in totals.items()}
            record = {"epoch": epoch + 1, **mean_of, **about()}
            for name in totals:
                if not math.isfinite(record[name]):
                    raise FloatingPointError(f"the mean {name} of epoch {epoch + 1} is {record[name]}")
            bar.set_postfix({name: f"{record[name]:.4f}" for name in totals})
            if best:
                model.eval()
                record["score"] = best.see(model)
            if on_epoch_end and accelerator.is_main_process:
                model.eval()
                record |= plain(on_epoch_end(model, record) or {})
            history.append(record)
            totals, counts = {}, {}
            keep()
            if interrupt.is_set():
                raise KeyboardInterrupt
    accelerator.wait_for_everyone()
    return history


def accelerator_state(device: str | None = None) -> Any:
    """Accelerate's view of the processes and their devices, on the kind of device asked for; ``fit`` trains there.

    Args:
        device: ``"cpu"``, ``"cuda"``, ``"mps"``, or None for the best there is. The first call in a process decides.

    Raises:
        ValueError: where training would run on another.
    """
    state = Accelerator(cpu=device == "cpu").state
    if device and state.device.type != device:
        raise ValueError(f"device is {device}, expected {state.device.type}: training would run there")
    return state


def check_run(epochs: int, batch_size: int, seed: int, mixed_precision: str | None) -> None:
    """What every trainer is asked for."""
    check_count(epochs=epochs, batch_size=batch_size)
    check_count(at_least=0, seed=seed)
    if mixed_precision is not None:
        check_choice("mixed_precision", mixed_precision, ("no", "bf16"))


def full_accelerator() -> Accelerator:
    """Accelerate's, for losses that differentiate inside: not in float16, where their gradients would vanish."""
    accelerator = Accelerator()
    if accelerator.mixed_precision == "fp16":
        raise ValueError('mixed_precision is "fp16", expected "no" or "bf16"')
    return accelerator


def precision(device: torch.device, mixed_precision: str | None) -> AbstractContextManager:
    """bfloat16 or not, as asked; None leaves what holds already."""
    if mixed_precision is None:
        return nullcontext()
    return torch.autocast(device.type, torch.bfloat16, enabled=mixed_precision == "bf16")


def count(data: Data) -> int:
    """How many images there are."""
    return len(data) if isinstance(data, Dataset) else len(data[0])  # type: ignore[arg-type]


def steps_per_epoch(n: int, batch_size: int) -> int:
    """⌈n / batch_size⌉: an epoch ends with a smaller batch where n is not a multiple; a single image left over, which
    no BatchNorm takes, joins the batch before.
    """
    return math.ceil(n / batch_size) - (n % batch_size == 1 and 1 < batch_size < n)


def mix(*numbers: int) -> int:
    """One seed out of several numbers; neighbouring numbers give unrelated seeds."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)


def batches(data: Data, order: Tensor, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """The images and labels at the positions ``order``, ``size`` at a time; the last batch as ``steps_per_epoch``."""
    chosen = list(order.split(size))
    if len(chosen) > 1 and len(chosen[-1]) == 1 < size:
        chosen[-2:] = [torch.cat(chosen[-2:])]
    if isinstance(data, Dataset):
        yield from DataLoader(data, batch_sampler=[index.tolist() for index in chosen])
    else:
        images, labels = data
        yield from ((images[index], labels[index]) for index in chosen)


def share(images: Tensor, labels: Tensor, rank: int, world: int) -> tuple[Tensor, Tensor, float]:
    """One process's part of a batch, and its weight in the mean that distributed training takes of gradients."""
    weight = len(images[rank::world]) * world / len(images)
    if weight == 0:  # fewer images than processes: take part in the exchange of gradients, and add nothing
        rank = 0
    return images[rank::world], labels[rank::world], weight


def plain(record: dict) -> dict:
    """The record as Python's own numbers and texts, which a checkpoint can hold."""
    try:
        return json.loads(json.dumps(record, default=float))
    except (TypeError, ValueError) as error:
        raise ValueError(f"on_epoch_end returned {record!r}, expected names and numbers") from error


def moving_average(model: nn.Module, decay: float = 0.999) -> AveragedModel:
    """An exponential moving average of a model's weights, θ̄ ← β θ̄ + (1 - β) θ at each step of a trainer.

    It is called as the model is, in eval mode. After t steps β is at most ``(1 + t) / (10 + t)``, so that the random
    weights of the start are soon forgotten; buffers are copied.

    Args:
        model: whose weights are averaged; ``training.fit`` and ``gan.fit`` take the average, and update it.
        decay: β, in [0, 1).

    Source: Polyak & Juditsky 1992, "Acceleration of stochastic approximation by averaging"; of a generator: Yazıcı et
    al. 2018, arXiv:1806.04498.
    """
    check_at_least(0, decay=decay)
    check_at_most(0.999999, decay=decay)

    def closer(averages: Weights, weights: Weights, steps: Tensor | int) -> None:
        beta = min(decay, (1 + int(steps)) / (10 + int(steps)))
        for average, weight in zip(averages, weights, strict=True):
            average.lerp_(weight, 1 - beta)

    return AveragedModel(model, multi_avg_fn=closer).eval().requires_grad_(False)


class Stateful(Protocol):
    """A model, an optimizer, a scheduler: what has a state dict."""

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state_dict: dict[str, Any]) -> Any: ...


def save(path: Path, identity: dict, progress: dict, parts: Mapping[str, Stateful]) -> None:
    """Write a checkpoint beside its place, then move it there, so that no reader sees half a file.

    Args:
        path: where it goes; missing folders are made.
        identity: of the run; ``load`` refuses a checkpoint of another.
        progress: numbers, texts and lists of them that say how far the run has come.
        parts: objects whose state dicts are written.
    """
    state = {name: part.state_dict() for name, part in parts.items()}
    with replacing(path) as file:
        torch.save({"run": identity, "progress": progress, "parts": state}, file)


def load(path: Path, identity: dict, parts: Mapping[str, Stateful]) -> dict:
    """Put the states of a checkpoint into ``parts`` and return its ``progress``.

    Raises:
        ValueError: the file is damaged, of another run, or does not fit a part; the message says how to mend it.
    """
    mend = "delete the file, or start over with resume=False"
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        found, progress, states = saved["run"], saved["progress"], saved["parts"]
    except Exception as error:  # torch.load raises whatever the broken bytes lead it to
        what = f"{path.stat().st_size} bytes, {type(error).__name__}"
        raise ValueError(
            f"checkpoint {path} is damaged or no checkpoint ({what}), expected a whole one: {mend}"
        ) from error
    found, expected = found | {"parts": ", ".join(states)}, identity | {"parts": ", ".join(parts)}
    other = [name for name in {**expected, **found} if found.get(name) != expected.get(name)]
    if other:
        came, wanted = (", ".join(f"{name} {run.get(name)}" for name in other) for run in (found, expected))
        raise ValueError(f"checkpoint {path} is of another run, of {came}, expected {wanted}: {mend}")
    for name, part in parts.items():
        try:
            part.load_state_dict(states[name])
        except (RuntimeError, ValueError, KeyError) as error:
            raise ValueError(
                f"checkpoint {path} does not fit the {name}, expected one that does ({error}): {mend}"
            ) from error
    return progress


@contextmanager
def deferred_interrupt() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C sets, for a loop to stop where it is safe; the second interrupts at once.

    Python delivers signals to the main thread only; in another thread the event is never set.
    """
    pressed = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield pressed
        return
    before = signal.getsignal(signal.SIGINT)

    def press(signum: int, frame: object) -> None:
        pressed.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, press)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)
