"""Attacks that work on a CPU, each with one of the faults that a device brings to light, and what it says then."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from tests.device.attacking import Found, N, Work
from tests.support.scenes import loss_gradient, scene, seeded

EPS = 0.1


def sound(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    return (images + EPS * loss_gradient(model, images, labels).sign()).clamp(0, 1)


def factory_without_device(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """As ``sound``, but for a ``device=`` that is not there."""
    step = torch.full((len(images), 1, 1, 1), EPS, dtype=images.dtype)
    return (images + step * loss_gradient(model, images, labels).sign()).clamp(0, 1)


def places_without_device(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """Images of the CPU are looked up by labels of the device."""
    largest = torch.eye(4)[labels].amax(1).to(images)
    return sound(model, images, labels) * largest[:, None, None, None]


def through_numpy(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    gradient = np.sign(loss_gradient(model, images, labels).numpy())
    return (images + EPS * torch.from_numpy(gradient).to(images)).clamp(0, 1)


def draws_with_another_generator(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    noise = torch.rand(images.shape, generator=seeded(), dtype=images.dtype, device=images.device)
    return (sound(model, images, labels) + 0.01 * noise).clamp(0, 1)


def result_on_the_cpu(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    return sound(model, images, labels).cpu()


def another_result_there(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    return sound(model, images, labels) if images.device.type == "cpu" else images.clone()


def another_by_little(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    found = sound(model, images, labels)
    return found if images.device.type == "cpu" else found * (1 - 1e-5)


def work(attack: Callable[[nn.Module, Tensor, Tensor], Tensor], device: str, dtype: torch.dtype) -> Found:
    return {"found": attack(*scene(N, device=device, dtype=dtype))}


SOUND: dict[str, Work] = {"planted none": partial(work, sound)}
FAULTS = {
    factory_without_device: "Expected all tensors to be on the same device",
    places_without_device: "Expected all tensors to be on the same device",
    through_numpy: "numpy",
    draws_with_another_generator: "generator",
    result_on_the_cpu: "is on cpu",
    another_result_there: "differs",
    another_by_little: "differs",
}
PLANTED: dict[str, Work] = {f"planted {fault.__name__}": partial(work, fault) for fault in FAULTS}
SAYS = {f"planted {fault.__name__}": words for fault, words in FAULTS.items()}
