"""One trainer for every defense that trains: `fit` minimises any loss `(model, images, labels) -> scalar`.

It is written on Hugging Face accelerate, so that the same call runs on a CPU, on a GPU and, started by
`accelerate launch` or `notebook_launcher`, on several GPUs (several CPU processes: `ACCELERATE_USE_CPU=true
torchrun --nproc-per-node 2 …`). Every random draw of a step follows from the seed, the
step's number and the process's rank alone. A run that is stopped and resumed therefore ends in the same
weights, bit for bit, as one that was never stopped.
"""

import json
import math
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from advcourse import checkpoint as checkpoints
from advcourse.inference import evaluating

Loss = Callable[[nn.Module, Tensor, Tensor], Tensor]


def cross_entropy(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Mean over the batch of −log softmax(model(x))_y: the loss of standard training."""
    return F.cross_entropy(model(images), labels)


def random_crop(images: Tensor, padding: int = 4, mirror: bool = True) -> Tensor:
    """Shift each image by up to `padding` pixels, black coming in at the edges, and mirror half of them.

    Args:
        images: (N, C, H, W).
        padding: the largest shift, in pixels, along each axis.
        mirror: whether to flip left and right with probability 1/2.

    Returns:
        (N, C, H, W), on the same device; the draws come from torch's global generator of that device.

    Source: He et al. 2015, arXiv:1512.03385, section 4.2.
    """
    n, channels, height, width = images.shape
    device = images.device
    top, left = torch.randint(0, 2 * padding + 1, (2, n, 1), device=device)
    flip = torch.rand(n, 1, device=device) < (0.5 if mirror else 0)
    rows = top + torch.arange(height, device=device)
    columns = torch.arange(width, device=device).expand(n, width)
    columns = left + torch.where(flip, width - 1 - columns, columns)
    padded = F.pad(images, (padding,) * 4)
    image = torch.arange(n, device=device).view(n, 1, 1, 1)
    channel = torch.arange(channels, device=device).view(1, channels, 1, 1)
    return padded[image, channel, rows.view(n, 1, height, 1), columns.view(n, 1, 1, width)]


@torch.no_grad()
def accuracy(model: nn.Module, images: Tensor, labels: Tensor, batch_size: int = 500) -> float:
    """Share of the images that the model, in eval mode, classifies as their labels.

    Args:
        model: maps images to logits (N, C); its mode is restored.
        images: (N, C, H, W) in [0, 1], on any device; moved batch by batch to the model's.
        labels: (N,) int64.
        batch_size: images per forward pass.
    """
    device = next(model.parameters()).device
    with evaluating(model):
        correct = sum(
            (model(x.to(device)).argmax(1) == y.to(device)).sum().item()
            for x, y in zip(images.split(batch_size), labels.split(batch_size), strict=True)
        )
    return correct / len(labels)


def steps_per_epoch(n: int, batch_size: int) -> int:
    """⌈n / batch_size⌉: an epoch ends with a smaller batch where n is not a multiple."""
    return math.ceil(n / batch_size)


def fit(
    model: nn.Module,
    data: tuple[Tensor, Tensor] | Dataset,
    loss: Loss = cross_entropy,
    *,
    epochs: int,
    optimizer: torch.optim.Optimizer | None = None,
    scheduler: torch.optim.lr_scheduler.LRScheduler | None = None,
    batch_size: int = 128,
    augment: Callable[[Tensor], Tensor] | None = None,
    seed: int = 0,
    checkpoint: str | os.PathLike | None = None,
    resume: bool = True,
    mixed_precision: str | None = None,
    progress: bool = True,
    on_epoch_end: Callable[[nn.Module, dict], dict | None] | None = None,
) -> list[dict]:
    """Minimise the mean of `loss` over `data` by minibatch gradient descent; the model is changed in place.

    Args:
        model: maps images to logits. It is trained on accelerate's device and comes back to the one it was on,
            in the mode (module by module) it was in.
        data: images (N, C, H, W) and labels (N,), or a `Dataset` of such pairs.
        loss: `(model, images, labels) -> scalar`, a mean over the images it is given. It gets the plain network,
            never a distributed wrapper, so it may run an attack, or differentiate twice. What it draws must
            come from torch's global generators; what it remembers from step to step must be buffers, which
            makes it an `nn.Module` (the checkpoint then holds them).
        epochs: passes over the data.
        optimizer: over `model.parameters()`; default Adam with learning rate 1e-3.
        scheduler: stepped after every batch (`steps_per_epoch` counts them).
        batch_size: images per step over all processes together.
        augment: images -> images, on the device, before the loss; draws from torch's global generators.
        seed: of the order of the images and of every draw of `augment` and `loss`.
        checkpoint: file to which the run is written after every epoch, and when Ctrl-C is pressed.
        resume: go on from `checkpoint` where it exists; False starts over.
        mixed_precision: "bf16", "no", or None for what `accelerate launch` was told (float32 otherwise). float16
            is not offered: the gradient inside an attack is out of reach of loss scaling and would vanish.
        progress: show a progress bar on stdout.
        on_epoch_end: `(model, record) -> dict | None`, called on the first process with the model in eval mode;
            what it returns is added to the epoch's record.

    Returns:
        The history: for each epoch a dict with `epoch`, `loss` (mean over its images), `lr` and what
        `on_epoch_end` returned.

    Raises:
        ValueError: bad arguments, or a checkpoint that is damaged or of another run.
        FloatingPointError: the loss is no longer finite; the checkpoint of the epoch before is kept.
        KeyboardInterrupt: Ctrl-C, after the step in progress and the checkpoint.

    Several processes: each takes its share of every batch, weighted by its size, so that the step is that of one
    process with the same batch (but for BatchNorm, which sees the share, and for the draws of `loss`).
    """
    _check(data, epochs, batch_size, seed, mixed_precision)
    n = len(data) if isinstance(data, Dataset) else len(data[0])
    per_epoch = steps_per_epoch(n, batch_size)
    accelerator = Accelerator()
    if accelerator.mixed_precision == "fp16":
        raise ValueError('mixed_precision is "fp16"; expected "no" or "bf16"')
    device, rank, world = accelerator.device, accelerator.process_index, accelerator.num_processes
    home = next(model.parameters()).device
    optimizer = optimizer or torch.optim.Adam(model.parameters(), lr=1e-3)
    step_loss, stepper = accelerator.prepare(_StepLoss(model, loss, mixed_precision), optimizer)

    # A schedule is laid out for a number of epochs; without one, a finished run may be prolonged.
    run = {"images": n, "batch_size": batch_size, "seed": seed, "epochs": epochs if scheduler else None}
    run |= {"optimizer": type(optimizer).__name__, "settings": repr(sorted(optimizer.defaults.items()))}
    run |= {"mixed_precision": mixed_precision}
    parts = {"model": model, "optimizer": optimizer} | ({"scheduler": scheduler} if scheduler else {})
    parts |= {"loss": loss} if isinstance(loss, nn.Module) else {}
    step, total, history = 0, torch.zeros((), device=device), []
    if checkpoint and resume and Path(checkpoint).exists():
        state = checkpoints.load(Path(checkpoint), run, parts)
        step, total, history = state["step"], total + state["total"], state["history"]
        if len(history) > epochs:
            raise ValueError(f"epochs is {epochs}; expected at least the {len(history)} that {checkpoint} has run")
    optimizer.zero_grad()

    def save() -> None:
        if checkpoint and accelerator.is_main_process:
            state = {"step": step, "total": total.item(), "history": history}
            checkpoints.save(Path(checkpoint), run, state, parts)

    shown = progress and accelerator.is_main_process
    bar = tqdm(total=epochs * per_epoch, initial=step, file=sys.stdout, mininterval=0.5, disable=not shown)
    rng = torch.random.fork_rng([device] if device.type == "cuda" else [])
    try:
        with bar, rng, evaluating(model), checkpoints.deferred_interrupt() as interrupt:
            for epoch in range(step // per_epoch, epochs):
                bar.set_description(f"epoch {epoch + 1}/{epochs}")
                model.train()  # `evaluating` puts every module back in its own mode at the end
                order = torch.randperm(n, generator=torch.Generator().manual_seed(_mix(seed, 0, epoch)))
                for images, labels in _batches(data, order[step % per_epoch * batch_size :], batch_size):
                    images, labels = images.to(device), labels.to(device)
                    if augment:
                        torch.manual_seed(_mix(seed, 1, step))
                        images = augment(images)
                    torch.manual_seed(_mix(seed, 2 + rank, step))
                    mean = step_loss(*_share(images, labels, rank, world))
                    if mean.dim():
                        raise ValueError(f"loss returned shape {tuple(mean.shape)}; expected a scalar")
                    accelerator.backward(mean)
                    stepper.step()
                    stepper.zero_grad()
                    if scheduler:
                        scheduler.step()
                    total += accelerator.reduce(mean.detach(), "mean") * len(images)
                    step += 1
                    bar.update()
                    if interrupt.is_set() and step % per_epoch:
                        if math.isfinite(total.item()):
                            save()
                        raise KeyboardInterrupt
                record = {"epoch": epoch + 1, "loss": total.item() / n, "lr": optimizer.param_groups[0]["lr"]}
                if not math.isfinite(record["loss"]):
                    raise FloatingPointError(f"the mean loss of epoch {epoch + 1} is {record['loss']}")
                bar.set_postfix(loss=f"{record['loss']:.4f}")
                if on_epoch_end and accelerator.is_main_process:
                    model.eval()
                    record |= _plain(on_epoch_end(model, record) or {})
                history.append(record)
                total.zero_()
                save()
                if interrupt.is_set():
                    raise KeyboardInterrupt
        accelerator.wait_for_everyone()
    finally:
        optimizer.zero_grad()
        model.to(home)
    return history


def accelerator_state(device: str | None = None):
    """Accelerate's view of the processes and their devices, on the kind of device asked for; `fit` trains there.

    Args:
        device: "cpu", "cuda", "mps", or None for the best there is. The first call in a process decides.

    Raises:
        ValueError: where training would run on another.
    """
    state = Accelerator(cpu=device == "cpu").state
    if device and state.device.type != device:
        raise ValueError(f"device {device} is not to be had here, where training would run on {state.device.type}")
    return state


class _StepLoss(nn.Module):
    """The loss of one process's share of a batch, as a module that accelerate can wrap.

    Wrapping the loss, not the network, lets distributed training hook the one backward pass that counts, while
    the loss runs the plain network forward and backward as often as it likes.
    """

    def __init__(self, network: nn.Module, loss: Loss, mixed_precision: str | None) -> None:
        super().__init__()
        self.network, self.loss, self.mixed_precision = network, loss, mixed_precision

    def forward(self, images: Tensor, labels: Tensor, weight: float) -> Tensor:
        if self.mixed_precision is None:
            return weight * self.loss(self.network, images, labels)
        with torch.autocast(images.device.type, torch.bfloat16, enabled=self.mixed_precision == "bf16"):
            return weight * self.loss(self.network, images, labels)


def _plain(record: dict) -> dict:
    """The record as Python's own numbers and texts, which a checkpoint can hold."""
    try:
        return json.loads(json.dumps(record, default=float))
    except (TypeError, ValueError) as error:
        raise ValueError(f"on_epoch_end returned {record!r}; expected names and numbers") from error


def _share(images: Tensor, labels: Tensor, rank: int, world: int) -> tuple[Tensor, Tensor, float]:
    """This process's part of a batch, and its weight in the mean that distributed training takes of gradients."""
    weight = len(images[rank::world]) * world / len(images)
    if weight == 0:  # fewer images than processes: take part in the exchange of gradients, and add nothing
        rank = 0
    return images[rank::world], labels[rank::world], weight


def _batches(data: tuple[Tensor, Tensor] | Dataset, order: Tensor, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """The images and labels at the positions `order`, `size` at a time; the last batch may be smaller."""
    if isinstance(data, Dataset):
        yield from DataLoader(data, batch_sampler=[index.tolist() for index in order.split(size)])
    else:
        images, labels = data
        yield from ((images[index], labels[index]) for index in order.split(size))


def _mix(*numbers: int) -> int:
    """One seed out of several numbers; neighbouring numbers give unrelated seeds."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)


def _check(data: object, epochs: int, batch_size: int, seed: int, mixed_precision: str | None) -> None:
    for name, value, least in (("epochs", epochs, 1), ("batch_size", batch_size, 1), ("seed", seed, 0)):
        if not isinstance(value, int) or value < least:
            raise ValueError(f"{name} is {value!r}; expected a whole number, at least {least}")
    if mixed_precision not in (None, "no", "bf16"):
        raise ValueError(f'mixed_precision is {mixed_precision!r}; expected None, "no" or "bf16"')
    if isinstance(data, Dataset):
        return
    if not (isinstance(data, tuple | list) and len(data) == 2 and all(isinstance(part, Tensor) for part in data)):
        raise ValueError(f"data is {type(data).__name__}; expected a Dataset or the tensors (images, labels)")
    if len(data[0]) != len(data[1]) or len(data[0]) == 0:
        raise ValueError(f"data holds {len(data[0])} images and {len(data[1])} labels; expected as many, not none")
