"""What training does on a device; see ``attacking``."""

from __future__ import annotations

import signal
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor, nn

from advcourse.attacks import pgd
from advcourse.structured import augmented, flow_step
from advcourse.training import accuracy, fit, image_by_image, random_crop, standard_loss
from advcourse.training._fit import _StepLoss
from tests.device.attacking import Found
from tests.support.scenes import scene
from tests.support.toys import pictures, smooth_cnn

PRESSES: list[bool] = []
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
