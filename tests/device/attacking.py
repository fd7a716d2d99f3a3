"""What attacks and wrappers do on a device. Each function returns tensors and numbers, the same on every device."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from advcourse import attacks
from advcourse.attacks import _deepfool, diversify, flow_loss, pgd, universal_deepfool, universal_sgd
from advcourse.core.balls import uniform
from advcourse.wrappers import (
    bpda,
    compose,
    draw,
    ensemble,
    eot,
    logits_from,
    random_lighting,
    random_noise,
    random_rigid,
)
from tests.support.scenes import scene, seeded

Found = dict[str, Any]
Work = Callable[[str, torch.dtype], Found]
N = 4
FEW = {"steps": 10, "search_steps": 3}  # enough to go through every line


def catalogue() -> list[Any]:
    """Every attack with its settings: ``name``, ``attack``, ``targeted``, ``random``."""
    from tests.contracts.catalogue.attacks import CATALOGUE

    return CATALOGUE


def settings(case: Any) -> Found:
    """Few steps, and of the two ways to solve for a recolouring, of which each device has its own, one."""
    few = {name: min(value, FEW[name]) for name, value in case.attack.keywords.items() if name in FEW}
    return few | ({"solver": "cg"} if case.name.startswith("recolor") else {})


def generators(device: str) -> dict[str, Callable[[], torch.Generator]]:
    """A CPU's may draw for images anywhere; the device's own draws what the CPU's would, here."""
    return {"cpu": seeded, "there": partial(seeded, device=device)}


def attacked(case: Any, device: str, dtype: torch.dtype) -> Found:
    model, images, labels = scene(N, device=device, dtype=dtype)
    found = {}
    aims = (("away", None), ("towards", (labels + 1) % 4))
    for aim, targets in aims[: 1 + (case.targeted and dtype == torch.float64)]:
        given = settings(case) | ({} if targets is None else {"targets": targets})
        for place, generator in generators(device).items() if case.random else [("", None)]:
            drawn = {"generator": generator()} if generator else {}
            found[f"{aim} {place}"] = case.attack(model, images, labels, **given, **drawn)
    return found


def does_deepfool_at_once(device: str, dtype: torch.dtype) -> Found:
    """As CUDA has it: all gradients by ``vmap``."""
    model, images, labels = scene(N, device=device, dtype=dtype)
    x = images.clone().requires_grad_()
    gradients = _deepfool.gradients(model(x), x, batched=True)
    return {f"class {k}": gradient for k, gradient in enumerate(gradients)}


def does_deepfool_by_predictions(device: str, dtype: torch.dtype) -> Found:
    model, images, _ = scene(N, device=device, dtype=dtype)
    return {"found": attacks.deepfool(model, images, steps=5)}


def does_spatial_on_a_canvas(device: str, dtype: torch.dtype) -> Found:
    model, images, labels = scene(N, device=device, dtype=dtype)
    shift: Any = partial(attacks.spatial, max_shift=1.0, max_angle=10.0, canvas=True)
    return {search: shift(model, images, labels, search=search, grid=(3, 3, 3)) for search in ("grid", "gradient")}


def does_fgsm_in_training_mode(device: str, dtype: torch.dtype) -> Found:
    """Buffers are moved, and put back."""
    model, images, labels = scene(N, device=device, dtype=dtype)
    model[8].p = 0.0
    return {"found": attacks.fgsm(model.train(), images, labels, eps=0.1), **dict(model.named_buffers())}


def does_diversify(device: str, dtype: torch.dtype) -> Found:
    _, images, _ = scene(N, device=device, dtype=dtype)
    shown = {
        place: diversify(images, probability=0.7, smallest=0.6, generator=generator())
        for place, generator in generators(device).items()
    }
    return shown | {"rough": flow_loss(images)}


def does_draws(device: str, dtype: torch.dtype) -> Found:
    """From the global state of the device, and of both kinds of generators."""
    _, images, _ = scene(N, device=device, dtype=dtype)
    found = {f"{norm}": uniform(images, 0.3, norm) for norm in ("linf", "l2", "l1")}
    for place, generator in generators(device).items():
        found |= {f"{norm} {place}": uniform(images, 0.3, norm, generator()) for norm in ("linf", "l2", "l1")}
        found |= {f"number {place}": draw(images, -1.0, 2.0, generator())}
    return found


def does_random_transforms(device: str, dtype: torch.dtype) -> Found:
    _, images, _ = scene(N, device=device, dtype=dtype)
    transforms = {
        "rigid": random_rigid(1.0, 20.0, (0.8, 1.2)),
        "lighting": random_lighting(0.2, 0.3),
        "noise": random_noise(0.1),
    }
    transforms["all"] = compose(*transforms.values())
    found = {f"{name} global": each(images, None) for name, each in transforms.items()}
    for place, generator in generators(device).items():
        found |= {f"{name} {place}": each(images, generator()) for name, each in transforms.items()}
    return found


def does_eot(device: str, dtype: torch.dtype) -> Found:
    model, images, labels = scene(N, device=device, dtype=dtype)
    found = {}
    for place, generator in generators(device).items():
        for size in (None, 5):  # in batches, each run again in the backward pass
            seen = eot(model, random_rigid(1.0, 10.0), 3, generator=generator(), batch_size=size)
            found[f"{place} {size}"] = pgd(seen, images, labels, eps=0.1, steps=3, loss="nll")
    return found


def does_bpda(device: str, dtype: torch.dtype) -> Found:
    model, images, labels = scene(N, device=device, dtype=dtype)
    found = {}
    for place, generator in generators(device).items():
        seen = eot(model, bpda(random_noise(0.1), random_noise(0.1)), 3, generator=generator())
        found[place] = pgd(seen, images, labels, eps=0.1, steps=3, loss="nll")
    return found


def does_ensemble(device: str, dtype: torch.dtype) -> Found:
    model, images, labels = scene(N, device=device, dtype=dtype)
    other, _, _ = scene(N, device=device, dtype=dtype)
    other[-1].weight.data.mul_(0.5)
    both = ensemble([model, other], [0.25, 0.75])
    return {"scores": both(images), "found": pgd(both, images, labels, eps=0.1, steps=3)}


def does_logits_from(device: str, dtype: torch.dtype) -> Found:
    model, images, labels = scene(N, device=device, dtype=dtype)
    picked = logits_from(lambda x: {"logits": model(x)}, lambda answer: answer["logits"])
    return {"found": pgd(picked, images, labels, eps=0.1, steps=3)}


def universal(learn: Callable[..., Tensor], device: str, dtype: torch.dtype) -> Found:
    model, images, _ = scene(6, device=device, dtype=dtype)
    settings: Found = {"eps": 0.1, "delta": 0.0, "epochs": 2, "batch_size": 4, "progress": False}
    found = {"global": learn(model, images, **settings)}
    for place, generator in generators(device).items():
        for norm in ("linf", "l2"):
            found[f"{norm} {place}"] = learn(model, images, **settings, norm=norm, generator=generator())
    return found


does_universal_deepfool: Work = partial(universal, partial(universal_deepfool, steps=3))
does_universal_sgd: Work = partial(universal, universal_sgd)
