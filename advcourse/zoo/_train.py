"""How a shipped network is trained and measured, by its recipe."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from advcourse import data, training
from advcourse.attacks import pgd
from advcourse.core.validation import check_count
from advcourse.evaluation import evaluate
from advcourse.zoo._architectures import build
from advcourse.zoo._facts import checkpoint_of, facts
from advcourse.zoo._recipes import RECIPES, Recipe

ROBUST_STEPS, ROBUST_STEP_SIZE = 40, 0.01


def train(
    name: str, epochs: int | None, device: str | None, checkpoint: Path | None, resume: bool
) -> tuple[nn.Module, dict] | None:
    """See ``weights.make``; the trained network and the facts for its card."""
    if name not in RECIPES:
        raise ValueError(f"name is {name!r}, expected one of {', '.join(RECIPES)}")
    recipe = RECIPES[name]
    epochs = recipe.epochs if epochs is None else epochs
    check_count(epochs=epochs)
    state = training.accelerator_state(device)
    images, labels, _ = data.load(recipe.data, "train", stand_in=False)
    test_images, test_labels, _ = data.load(recipe.data, "test", stand_in=False)

    torch.manual_seed(recipe.seed)
    model = build(name).to(state.device)
    optimizer = recipe.optimizer(model.parameters(), lr=recipe.lr)
    steps = epochs * training.steps_per_epoch(len(labels), recipe.batch_size)
    sample = data.load(recipe.data, "test", n=1000)[:2]
    clock = time.perf_counter()

    def report(model: torch.nn.Module, record: dict) -> dict:
        nonlocal clock
        minutes, clock = (time.perf_counter() - clock) / 60, time.perf_counter()
        shown = ", ".join(
            f"{key.replace('_', ' ')} {value:.4g}" for key, value in recipe.measured(model, *sample).items()
        )
        print(
            f"\nepoch {record['epoch']}: loss {record['loss']:.4f}, on 1000 test images {shown}, {minutes:.1f} min",
            flush=True,
        )
        return {"minutes": minutes}

    history = training.fit(
        model,
        (images, labels),
        recipe.loss(steps),
        epochs=epochs,
        optimizer=optimizer,
        scheduler=recipe.schedule(optimizer, steps),
        batch_size=recipe.batch_size,
        augment=recipe.augment,
        seed=recipe.seed,
        checkpoint=checkpoint or checkpoint_of(name),
        resume=resume,
        mixed_precision=recipe.mixed_precision,
        on_epoch_end=report,
    )
    if not state.is_main_process:
        return None
    made = facts(name, recipe, epochs, state, history)
    made |= {"peak_learning_rate": recipe.lr, "final_loss": round(history[-1]["loss"], 5)}
    return model, made | measure(model, recipe, test_images, test_labels)


def measure(model: nn.Module, recipe: Recipe, images: Tensor, labels: Tensor) -> dict:
    """What the recipe measures on the test images and, for a robust one, accuracy under PGD from a random start."""
    facts = {"test_images": len(labels), **recipe.measured(model, images, labels)}
    if recipe.eps is None:
        return facts
    device = next(model.parameters()).device
    options: dict[str, Any] = {"eps": recipe.eps, "steps": ROBUST_STEPS, "step_size": ROBUST_STEP_SIZE}
    options |= {"random_start": True}
    attack = partial(pgd, **options, generator=torch.Generator(device).manual_seed(recipe.seed))
    report = evaluate(model, attack, images.to(device), labels.to(device))
    text = f"pgd({', '.join(f'{key}={value}' for key, value in options.items())})"
    return facts | {"robust_accuracy": report.robust_accuracy, "attack": text}
