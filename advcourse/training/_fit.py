"""One trainer for every defense that trains: ``fit`` minimises any loss ``(model, images, labels) -> scalar``.

It is written on Hugging Face accelerate, so that the same call runs on a CPU, on a GPU and, started by
``accelerate launch`` or ``notebook_launcher``, on several GPUs (several CPU processes: ``ACCELERATE_USE_CPU=true
torchrun --nproc-per-node 2 …``).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import Dataset

from advcourse.core.identity import digest_of_data, identify
from advcourse.core.running import evaluating, predicted
from advcourse.core.validation import check_answer, check_count, check_labels, check_logits
from advcourse.training._best import Best
from advcourse.training.loop import (
    AUGMENT,
    LOSS,
    Data,
    Stateful,
    check_run,
    count,
    full_accelerator,
    mix,
    precision,
    run_epochs,
    share,
)

Loss = Callable[[nn.Module, Tensor, Tensor], Tensor]


def standard_loss(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Mean over the batch of ``-log softmax(model(x))_y``, the cross-entropy: the loss of standard training."""
    logits = model(images)
    check_answer(logits, len(images))
    if labels.shape != images.shape[:1]:
        raise ValueError(f"labels has shape {tuple(labels.shape)}, expected ({len(images)},): one class per image")
    return F.cross_entropy(logits, labels)


@torch.no_grad()
def accuracy(model: nn.Module, images: Tensor, labels: Tensor, batch_size: int = 500) -> float:
    """Share of the images that the model, in eval mode, classifies as their labels.

    Args:
        model: maps images to logits ``(N, K)``; its mode is restored.
        images: ``(N, C, H, W)`` in [0, 1], on any device; moved batch by batch to the model's.
        labels: int64 ``(N,)``.
        batch_size: images per forward pass.

    Raises:
        ValueError: for bad labels, no images, or a model that returns something else; an image with a logit that is
            NaN is not classified as anything.
    """
    check_count(batch_size=batch_size)
    if not isinstance(images, Tensor) or not len(images):
        raise ValueError(f"images is {_came(images)}, expected a tensor of at least one image")
    check_labels(labels.to(images.device) if isinstance(labels, Tensor) else labels, images)
    device, correct = next((held.device for held in model.state_dict().values()), images.device), 0
    with evaluating(model):
        for x, y in zip(images.split(batch_size), labels.split(batch_size), strict=True):
            logits = model(x.to(device))
            check_logits(logits, y)
            correct += int((predicted(logits) == y.to(device)).sum())
    return correct / len(labels)


def _came(value: object) -> str:
    return f"of shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"


def fit(
    model: nn.Module,
    data: Data,
    loss: Loss = standard_loss,
    *,
    epochs: int,
    optimizer: torch.optim.Optimizer | None = None,
    scheduler: torch.optim.lr_scheduler.LRScheduler | None = None,
    batch_size: int = 128,
    augment: Callable[[Tensor], Tensor] | None = None,
    average: AveragedModel | None = None,
    replays: int = 1,
    keep_best: Callable[[nn.Module], float] | None = None,
    patience: int | None = None,
    seed: int = 0,
    checkpoint: str | os.PathLike | None = None,
    resume: bool = True,
    mixed_precision: str | None = None,
    progress: bool = True,
    on_epoch_end: Callable[[nn.Module, dict], dict | None] | None = None,
) -> list[dict]:
    """Minimise the mean of ``loss`` over ``data`` by minibatch gradient descent; the model is changed in place.

    Args:
        model: maps images to logits. It is trained on accelerate's device and comes back to the one it was on,
            in the mode (module by module) it was in. Modules that are in eval mode in a model that is not, such as a
            frozen BatchNorm, stay in it; a model that is in eval mode as a whole trains as a whole.
        data: images ``(N, C, H, W)`` and labels ``(N,)``, or a ``Dataset`` of such pairs.
        loss: ``(model, images, labels) -> scalar``, a mean over the images it is given. It gets the plain network,
            never a distributed wrapper, so it may run an attack, or differentiate twice. What it draws must
            come from torch's global generators; what it remembers from step to step must be buffers, which
            makes it an ``nn.Module`` (the checkpoint then holds them).
        epochs: passes over the data.
        optimizer: over ``model.parameters()``; default Adam with learning rate 1e-3.
        scheduler: stepped after every step (``steps_per_epoch`` counts the batches).
        batch_size: images per step over all processes together.
        augment: images -> images, on the device, before the loss; draws from torch's global generators.
        average: ``moving_average(model)``, which takes in the weights after every step.
        replays: steps in a row on each batch, augmented once; for ``defenses.free``.
        keep_best: ``model -> score``, called after every epoch, in eval mode and in every process alike; the model ends
            with the weights of the epoch that had the highest, the first of equals, and each record holds its
            ``score``. Robustness to the attack trained with falls late in training (Rice, Wong & Kolter 2020,
            arXiv:2002.11569): a score of images held out, under an attack of several steps, sees it.
        patience: end the run after so many epochs in a row without a higher score; needs ``keep_best``.
        seed: of the order of the images and of every draw of ``augment`` and ``loss``.
        checkpoint: file to which the run is written after every epoch, and when Ctrl-C is pressed.
        resume: go on from ``checkpoint`` where it exists; False starts over. One of another run is refused: of another
            loss or augmentation (by name, code and settings), other data, another architecture, optimiser, schedule,
            seed, batch size or precision. The weights that the model comes with are not compared, since those of a
            run that is taken up again may have moved already; they are replaced.
        mixed_precision: ``"bf16"``, ``"no"``, or None for what ``accelerate launch`` was told (float32 otherwise).
            float16 is not offered: the gradient inside an attack is out of reach of loss scaling and would vanish.
        progress: show a progress bar on stdout.
        on_epoch_end: ``(model, record) -> dict | None``, called on the first process with the model in eval mode;
            what it returns is added to the epoch's record.

    Returns:
        The history: for each epoch a dict with ``epoch``, ``loss`` (mean over its images), ``lr`` and what
        ``on_epoch_end`` returned.

    Raises:
        ValueError: bad arguments, or a checkpoint that is damaged or of another run.
        FloatingPointError: the loss is no longer finite; the checkpoint of the epoch before is kept.
        KeyboardInterrupt: Ctrl-C, after the step in progress and the checkpoint.

    Several processes: each takes its share of every batch, weighted by its size, so that the step is that of one
    process with the same batch (but for BatchNorm, which sees the share, and for the draws of ``loss``).
    """
    _check(data, epochs, batch_size, seed, mixed_precision)
    check_count(replays=replays)
    check_count(optional=True, patience=patience)
    if patience is not None and keep_best is None:
        raise ValueError(f"patience is {patience}, expected None without keep_best: no score is there to wait for")
    accelerator = full_accelerator()
    rank, world = accelerator.process_index, accelerator.num_processes
    home = next((held.device for held in model.parameters()), None)
    if home is None:
        raise ValueError("model has no parameters, expected some to train")
    optimizer = optimizer or torch.optim.Adam(model.parameters(), lr=1e-3)
    if average:
        average.to(accelerator.device)
    step_loss, stepper = accelerator.prepare(_StepLoss(model, loss, mixed_precision), optimizer)

    def step(images: Tensor, labels: Tensor, number: int) -> dict[str, Tensor]:
        if augment:
            torch.manual_seed(mix(seed, AUGMENT, number))
            images = augment(images)
        means = [descend(images, labels, number, replay) for replay in range(replays)]
        return {"loss": torch.stack(means).mean()}

    def descend(images: Tensor, labels: Tensor, number: int, replay: int) -> Tensor:
        torch.manual_seed(mix(seed, LOSS + rank, number, *([replay] if replay else [])))
        mean = step_loss(*share(images, labels, rank, world))
        if mean.dim():
            raise ValueError(f"loss returned shape {tuple(mean.shape)}, expected a scalar")
        accelerator.backward(mean)
        stepper.step()
        stepper.zero_grad()
        if scheduler:
            scheduler.step()
        if average:
            average.update_parameters(model)
        return mean.detach()

    parts: dict[str, Stateful] = {"model": model, "optimizer": optimizer}
    parts |= {"scheduler": scheduler} if scheduler else {}
    parts |= {"average": average} if average else {}
    parts |= {"loss": loss} if isinstance(loss, nn.Module) else {}
    best = Best(model, keep_best, patience) if keep_best else None
    parts |= {"best": best} if best else {}
    # A schedule is laid out for a number of epochs; without one, a finished run may be prolonged.
    identity: dict[str, Any] = {"images": count(data), "batch_size": batch_size, "seed": seed}
    identity |= {"epochs": epochs if scheduler else None}
    identity |= {"optimizer": type(optimizer).__name__, "settings": repr(sorted(optimizer.defaults.items()))}
    identity |= {"mixed_precision": mixed_precision, "model": identify(model), "loss": identify(loss)}
    identity |= {"augment": identify(augment), "scheduler": type(scheduler).__name__}
    identity |= {"data": digest_of_data(data) if checkpoint else None}
    identity |= {"replays": replays} if replays > 1 else {}
    identity |= {"average": identify(average.multi_avg_fn)} if average else {}
    optimizer.zero_grad()
    try:
        history = run_epochs(
            step,
            data,
            model,
            accelerator,
            epochs=epochs,
            batch_size=batch_size,
            seed=seed,
            identity=identity,
            parts=parts,
            checkpoint=Path(checkpoint) if checkpoint else None,
            resume=resume,
            progress=progress,
            about=lambda: {"lr": optimizer.param_groups[0]["lr"]},
            on_epoch_end=on_epoch_end,
            best=best,
        )
        if best:
            best.restore()
        return history
    finally:
        optimizer.zero_grad()
        model.to(home)
        if average:
            average.to(home)


class _StepLoss(nn.Module):
    """The loss of one process's share of a batch, as a module that accelerate can wrap.

    Wrapping the loss, not the network, lets distributed training hook the one backward pass that counts, while
    the loss runs the plain network forward and backward as often as it likes.
    """

    def __init__(self, network: nn.Module, loss: Loss, mixed_precision: str | None) -> None:
        super().__init__()
        self.network, self.loss, self.mixed_precision = network, loss, mixed_precision

    def forward(self, images: Tensor, labels: Tensor, weight: float) -> Tensor:
        with precision(images.device, self.mixed_precision):
            return weight * self.loss(self.network, images, labels)


def _check(data: object, epochs: int, batch_size: int, seed: int, mixed_precision: str | None) -> None:
    check_run(epochs, batch_size, seed, mixed_precision)
    if isinstance(data, Dataset):
        return
    if not (isinstance(data, tuple | list) and len(data) == 2 and all(isinstance(part, Tensor) for part in data)):
        raise ValueError(f"data is {type(data).__name__}, expected a Dataset or the tensors (images, labels)")
    if len(data[0]) != len(data[1]) or len(data[0]) == 0:
        raise ValueError(f"data holds {len(data[0])} images and {len(data[1])} labels, expected as many, not none")
