"""How a shipped generator is trained and measured, by its recipe."""

from __future__ import annotations

import time
from pathlib import Path

import torch
from torch import Tensor, nn

from advcourse import data, gan, training
from advcourse.core.running import predict
from advcourse.core.validation import check_count
from advcourse.gan import metrics
from advcourse.zoo._architectures import build
from advcourse.zoo._facts import checkpoint_of, facts
from advcourse.zoo._recipes_gan import GAN_RECIPES, GanRecipe
from advcourse.zoo.weights import load

WATCHED, MEASURED = 2_000, 10_000


def train_generator(
    name: str, epochs: int | None, device: str | None, checkpoint: Path | None, resume: bool
) -> tuple[nn.Module, dict] | None:
    """See ``weights.make``; the average of the generator and the facts for its card."""
    recipe = GAN_RECIPES[name]
    epochs = recipe.epochs if epochs is None else epochs
    check_count(epochs=epochs)
    state = training.accelerator_state(device)
    images, *_ = data.load(recipe.data, "train", stand_in=False)
    tests, *_ = data.load(recipe.data, "test", stand_in=False)

    torch.manual_seed(recipe.seed)
    generator, critic = build(name).to(state.device), recipe.critic().to(state.device)
    average = training.moving_average(generator, recipe.decay)
    clock = time.process_time if state.device.type == "cpu" else time.perf_counter
    start = clock()

    def report(generator: nn.Module, record: dict) -> dict:
        nonlocal start
        minutes = (clock() - start) / 60
        found = measure_generator(generator, recipe, tests[:WATCHED])
        shown = ", ".join(f"{key} {value:.4g}" for key, value in found.items())
        print(
            f"\nepoch {record['epoch']}: critic {record['critic']:.3f}, on {WATCHED} test images {shown}, "
            f"{minutes:.1f} min",
            flush=True,
        )
        start = clock()  # what is spent on measuring is not spent on training
        return {"minutes": minutes, **found}

    history = gan.fit(
        generator,
        critic,
        images,
        recipe.variant(),
        epochs=epochs,
        batch_size=recipe.batch_size,
        critic_steps=recipe.critic_steps,
        average=average,
        seed=recipe.seed,
        checkpoint=checkpoint or checkpoint_of(name),
        resume=resume,
        mixed_precision=recipe.mixed_precision,
        on_epoch_end=report,
    )
    if not state.is_main_process:
        return None
    made = facts(name, recipe, epochs, state, history)
    made |= {"variant": recipe.variant().name, "learning_rate": recipe.lr, "critic_steps": recipe.critic_steps}
    made |= {"average": recipe.decay, "history": _columns(history)}
    found = measure_generator(average.module, recipe, tests[:MEASURED])
    return average.module, made | {"n_real": len(tests[:MEASURED]), "n_fake": len(tests[:MEASURED]), **found}


def measure_generator(generator: nn.Module, recipe: GanRecipe, real: Tensor) -> dict[str, float]:
    """Distances from as many images as it is given, by the recipe's classifier, whose name stands in every one's."""
    name = recipe.extractor
    device = next(generator.parameters()).device
    classifier = load(name, device)
    seed, latent = torch.Generator().manual_seed(0), generator.latent
    fake = gan.generate(generator, torch.randn(len(real), latent, generator=seed))  # type: ignore[call-overload]
    rows, others = (metrics.features(metrics.Penultimate(classifier), each.to(device)) for each in (real, fake))
    logits, said = (predict(classifier, each.to(device)) for each in (real, fake))
    shares = metrics.precision_recall(rows, others, extractor=name)
    found = [
        metrics.frechet_distance(rows, others, extractor=name),
        metrics.class_kl(logits, said, extractor=name),
        metrics.classifier_score(said, extractor=name),
    ]
    return {each.name: round(each.value, 5) for each in found} | {
        "precision": round(shares.precision, 4),
        "recall": round(shares.recall, 4),
    }


def _columns(history: list[dict]) -> dict[str, list[float]]:
    """One list for each quantity, which a card shows in a few lines."""
    return {key: [round(record[key], 5) for record in history] for key in history[0] if key != "epoch"}
