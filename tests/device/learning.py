"""What training does on a device; see ``attacking``."""

from __future__ import annotations

import copy
import signal
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn

from advcourse.attacks import pgd
from advcourse.defenses import (
    adversarial,
    advprop,
    awp,
    cure,
    curvature_penalty,
    fast,
    free,
    llr,
    main_batchnorm,
    mart,
    noisy_student,
    organic_and_perturbed,
    pseudo_labels,
    smooth,
    soft_loss,
    split_batchnorm,
    trades,
)
from advcourse.structured import augmented, flow_step
from advcourse.training import accuracy, fit, image_by_image, random_crop, standard_loss
from advcourse.training._fit import _StepLoss
from tests.device.attacking import Found
from tests.support.scenes import scene
from tests.support.toys import pictures, smooth_cnn

PRESSES: list[bool] = []
climbed = partial(pgd, eps=0.05, steps=2)
DEFENSES = {
    "adversarial": adversarial(partial(pgd, steps=2), eps=0.05, warmup=3),
    "organic": organic_and_perturbed(climbed),
    "trades": trades(eps=0.05, steps=2),
    "mart": mart(climbed),
    "fast": fast(eps=0.05),
    "free": free(eps=0.05),
    "awp": awp(climbed),
    "cure": cure(h=0.5, lam=0.1),
    "llr": llr(eps=0.05),
    "advprop": advprop(climbed),
}
LOSSES = {
    "standard": standard_loss,
    "attacked": augmented(partial(pgd, eps=0.05, steps=2)),
    "moved": augmented(partial(flow_step, gamma=1.0, max_displacement=1.0, uniform=True), random_crop),
}


def does_losses(device: str, dtype: torch.dtype) -> Found:
    """Their gradients, in training mode with its dropout."""
    found: Found = {}
    for name, loss in LOSSES.items():
        model, images, labels = scene(6, device=device, dtype=dtype)
        torch.manual_seed(1)
        value = loss(model.train(), images, labels)
        value.backward()
        found |= {f"{name} value": value} | {f"{name} {key}": held.grad for key, held in model.named_parameters()}
    return found


def does_defenses(device: str, dtype: torch.dtype) -> Found:
    """Two steps of each, so that what it remembers counts."""
    found: Found = {}
    for name, held in DEFENSES.items():
        network, images, labels = scene(6, device=device, dtype=dtype)
        model, loss = (split_batchnorm(network) if name == "advprop" else network).train(), copy.deepcopy(held)
        torch.manual_seed(1)
        for _ in range(2):
            model.zero_grad()
            value = loss(model, images, labels)
            value.backward()
        found |= {f"{name} value": value} | {f"{name} {key}": each.grad for key, each in model.named_parameters()}
        found |= {f"{name} {key}": each for key, each in main_batchnorm(model).named_buffers()}
    return found


def does_curvature(device: str, dtype: torch.dtype) -> Found:
    model, images, labels = scene(6, device=device, dtype=dtype)
    return {"penalty": curvature_penalty(model, images, labels, h=0.5)}


def does_smooth(device: str, dtype: torch.dtype) -> Found:
    network = nn.Sequential(nn.Flatten(), nn.ReLU()).to(device)
    images = pictures(6, dtype=dtype).to(device) - 0.5
    return {name: smooth(network, name)(images) for name in ("silu", "gelu", "elu", "softplus", "smooth_relu")}


def does_noisy_student(device: str, dtype: torch.dtype) -> Found:
    teacher, images, labels = scene(6, device=device, dtype=dtype)
    told = pseudo_labels(teacher, images, threshold=0.1, per_class=2)
    train = partial(fit, epochs=1, batch_size=4, progress=False)
    unlabelled = images.flip(0)
    (student,) = noisy_student(
        teacher, lambda number: smooth_cnn(dtype=dtype).to(device), (images, labels), unlabelled, train, rounds=1
    )
    found = {f"student {key}": value for key, value in student.state_dict().items()}
    return found | told._asdict() | {"loss": soft_loss(teacher, images[told.indices], told.targets)}


def does_fit_keeping_the_best(device: str, dtype: torch.dtype) -> Found:
    images = pictures(10, dtype=dtype).to(device)
    labels = torch.arange(10, device=device) % 4
    model = smooth_cnn(dtype=dtype).to(device)
    scores = iter((1.0, 2.0, 0.0, 0.0))
    options: dict[str, Any] = {"batch_size": 5, "keep_best": lambda model: next(scores), "patience": 2}
    history = fit(model, (images, labels), free(eps=0.05), epochs=5, replays=2, progress=False, **options)
    return model.state_dict() | {"history": [list(record.values()) for record in history]}


def does_step(device: str, dtype: torch.dtype) -> Found:
    """The body of a step of ``fit``: the loss of a share of a batch, backward, the optimiser."""
    found: Found = {}
    for name, optimizer in (
        ("adam", partial(torch.optim.Adam, lr=0.01)),
        ("sgd", partial(torch.optim.SGD, lr=0.1, momentum=0.9, weight_decay=1e-3)),
    ):
        model, images, labels = scene(6, device=device, dtype=dtype)
        stepper = optimizer(model.train().parameters())
        torch.manual_seed(1)
        for mixed_precision in (None, "no"):
            _StepLoss(model, LOSSES["attacked"], mixed_precision)(images, labels, 0.5).backward()
            stepper.step()
            stepper.zero_grad()
        found |= {f"{name} {key}": value for key, value in model.state_dict().items()}
    return found


def does_fit(device: str, dtype: torch.dtype) -> Found:
    """On the device that accelerate was told: from data on the CPU and there; stopped, and resumed from a file."""
    images = pictures(14, dtype=dtype)
    labels = (images.mean((1, 2, 3)) * 40).long() % 4
    found: Found = {}
    for name, place in (("brought", "cpu"), ("there", device)):
        for stops in ((2,), (1, 2)):
            with TemporaryDirectory() as folder:
                for epochs in stops:
                    model = smooth_cnn(dtype=dtype).to(device)
                    history = fit(
                        model,
                        (images.to(place), labels.to(place)),
                        LOSSES["moved"],
                        epochs=epochs,
                        batch_size=5,
                        augment=partial(random_crop, padding=1),
                        checkpoint=Path(folder, "run.pt"),
                        progress=False,
                        on_epoch_end=lambda model, record: {"accuracy": accuracy(model, images, labels, 5)},
                    )
            run = f"{name} {len(stops)}"
            found |= {f"{run} {key}": value for key, value in model.state_dict().items()}
            found[f"{run} history"] = [list(record.values()) for record in history]
    return found


def pressing(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """A loss in whose third step somebody presses Ctrl-C."""
    PRESSES.append(len(PRESSES) == 2)
    if PRESSES[-1]:
        signal.raise_signal(signal.SIGINT)
    return standard_loss(model, images, labels)


def does_fit_interrupted(device: str, dtype: torch.dtype) -> Found:
    """Within an epoch, and resumed there."""
    images = pictures(10, dtype=dtype).to(device)
    labels = torch.arange(10, device=device) % 4
    PRESSES.clear()
    with TemporaryDirectory() as folder:
        run = partial(fit, epochs=1, batch_size=2, checkpoint=Path(folder, "run.pt"), progress=False)
        with suppress(KeyboardInterrupt):
            run(smooth_cnn(dtype=dtype).to(device), (images, labels), pressing)
        stopped = len(PRESSES)
        model = smooth_cnn(dtype=dtype).to(device)
        (record,) = run(model, (images, labels), pressing)
    return model.state_dict() | {"stopped": stopped, "steps": len(PRESSES), "record": list(record.values())}


def does_fit_from_the_cpu(device: str, dtype: torch.dtype) -> Found:
    """The model comes back to where it was, and the parameters that the optimiser was given are still its own."""
    model, images, labels = scene(6, dtype=dtype)
    optimizer: Any = torch.optim.SGD(model.parameters(), lr=0.1)
    held = list(model.parameters())
    fit(model, (images, labels), epochs=1, batch_size=6, optimizer=optimizer, progress=False)
    same = [one is other for one, other in zip(held, model.parameters(), strict=True)]
    found = {key: value.to(device) for key, value in model.state_dict().items()}
    return found | {"same": same, "back": [value.device.type == "cpu" for value in held]}


def does_augmentations(device: str, dtype: torch.dtype) -> Found:
    _, images, labels = scene(6, device=device, dtype=dtype)
    turned = image_by_image(lambda pixels: pixels.flip(-1) // 2)
    network: nn.Module = smooth_cnn(dtype=dtype).to(device)
    return {
        "crop": random_crop(images, padding=2),
        "turned": turned(images),
        "accuracy": accuracy(network, images.cpu(), labels, 4),
    }
