"""What defenses do on a device, with the gradients of those that have one; see ``attacking``."""

from __future__ import annotations

from typing import Any

import torch

from advcourse.defenses import Defended, cubic_round, denoising_loss, sample_patches, smoothed
from tests.contracts.catalogue.defenses import CATALOGUE
from tests.device.attacking import Found, Work, generators
from tests.support.scenes import scene


def defended(case: Any, device: str, dtype: torch.dtype) -> Found:
    """In front of a network, by every kind of draws."""
    model, images, _ = scene(4, channels=3, device=device, dtype=dtype)
    whole, found = Defended(case.make().to(dtype).to(device), model), dict[str, Any]()
    for place, generator in {"global": lambda: None, **generators(device)}.items():
        x = images.clone().requires_grad_(case.differentiable)
        found[f"seen {place}"] = whole.transform(images, generator())
        logits = whole(x, generator())
        found[f"logits {place}"] = logits
        if case.differentiable:
            (found[f"gradient {place}"],) = torch.autograd.grad(logits.sum(), x)
    return found


def does_smooth_rounding(device: str, dtype: torch.dtype) -> Found:
    return {"found": cubic_round(3 * scene(4, device=device, dtype=dtype)[1])}


def does_a_denoising_loss(device: str, dtype: torch.dtype) -> Found:
    images, labels = scene(4, channels=3, device=device, dtype=dtype)[1:]
    torch.manual_seed(0)
    return {"found": denoising_loss(torch.sigmoid, images, labels, sigma=0.1)}


def does_smoothing_under_a_mask(device: str, dtype: torch.dtype) -> Found:
    images = scene(4, channels=3, device=device, dtype=dtype)[1]
    return {"found": smoothed(images, (images[:, :1] > 0.5).to(dtype), 0.1, 10)}


def does_drawing_of_patches(device: str, dtype: torch.dtype) -> Found:
    images = scene(4, channels=3, device=device, dtype=dtype)[1]
    drawn = {"global": lambda: None, **generators(device)}
    return {place: sample_patches(images, 20, 3, generator=generator()) for place, generator in drawn.items()}


def defenses() -> dict[str, Work]:
    """Every defense of the catalogue."""
    return {
        f"defense {case.name}": lambda device, dtype, case=case: defended(case, device, dtype) for case in CATALOGUE
    }
