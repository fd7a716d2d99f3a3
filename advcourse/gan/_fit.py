"""The trainer of every GAN variant, on ``training.loop``: k steps of the critic for each of the generator."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import Dataset

from advcourse.core.identity import digest_of_data, identify
from advcourse.core.running import evaluating
from advcourse.core.streams import Streams
from advcourse.core.validation import check_count, check_flag, check_images
from advcourse.gan._compiled import critic_gradients
from advcourse.gan._variant import Variant, scores
from advcourse.training.loop import (
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


def fit(
    generator: nn.Module,
    critic: nn.Module,
    data: Tensor | Dataset,
    variant: Variant,
    *,
    epochs: int,
    batch_size: int = 64,
    latent: int | None = None,
    critic_steps: int | None = None,
    generator_optimizer: torch.optim.Optimizer | None = None,
    critic_optimizer: torch.optim.Optimizer | None = None,
    average: AveragedModel | None = None,
    seed: int = 0,
    checkpoint: str | os.PathLike | None = None,
    resume: bool = True,
    mixed_precision: str | None = None,
    compiled: bool = False,
    progress: bool = True,
    on_epoch_end: Callable[[nn.Module, dict], dict | None] | None = None,
) -> list[dict]:
    """Play the game of a variant: every batch is one step of the critic, and every k-th one of the generator, too.

    Both networks are changed in place. With z ∼ N(0, I) drawn for each image of each step by itself, ``x̃ = G(z)``::

        critic:     θ ← θ - ∇ mean critic_loss(D, x, x̃)       k times, each with a batch and latents of its own
        generator:  φ ← φ - ∇ mean generator_loss(D, x, G(z))

    Args:
        generator: G, latents ``(N, latent)`` to images of the shape of the data.
        critic: D, images to one number each.
        data: images ``(N, C, H, W)`` in [0, 1], or points ``(N, …)`` of another shape; or a ``Dataset`` of pairs
            (image, label).
        variant: ``wgan_gp()``, …
        epochs: passes over the data.
        batch_size: images per step over all processes together.
        latent: length of z; ``generator.latent`` where not given.
        critic_steps: k, the variant's where not given.
        generator_optimizer, critic_optimizer: the variant's where not given.
        average: ``training.moving_average(generator)``, which takes in the generator's weights after each of its steps.
        seed: of the order of the images, the latents, and the draws of the losses.
        checkpoint, resume, progress: as in ``training.fit``.
        mixed_precision: ``"bf16"``, ``"no"``, or None for what ``accelerate launch`` was told. Gradients within a loss
            are in float32.
        compiled: the critic's loss and its gradient are one function compiled by torch; in one process.
        on_epoch_end: ``(generator, record) -> dict | None``, called on the first process with the generator,
            or ``average.module`` where there is an average, in eval mode; what it returns is added to the record.

    Returns:
        The history: for each epoch a dict with ``epoch``, the mean losses ``critic`` and, where it had a step,
        ``generator``, and what ``on_epoch_end`` returned.

    Raises:
        ValueError: bad arguments, networks that do not fit the data or each other, or a checkpoint that is damaged or
            of another run.
        FloatingPointError: a loss is no longer finite; the checkpoint of the epoch before is kept.
        KeyboardInterrupt: Ctrl-C, after the step in progress and the checkpoint.

    Several processes: each takes its share of every batch, with the latents and draws of those images, so that the step
    is that of one process (but for batch normalisation).
    """
    check_flag(resume=resume, compiled=compiled)
    check_run(epochs, batch_size, seed, mixed_precision)
    check_count(optional=True, critic_steps=critic_steps)
    if not isinstance(variant, Variant):
        raise ValueError(f"variant is a {type(variant).__name__}, expected a Variant, such as wgan_gp()")
    size, k = _latent(generator, latent), critic_steps or variant.critic_steps
    home = next(generator.parameters()).device
    _check_fit(generator, critic, _checked(data).to(home), size)
    pairs: Data = data if isinstance(data, Dataset) else (data, torch.zeros(len(data), dtype=torch.int64))
    accelerator = full_accelerator()
    device, rank, world = accelerator.device, accelerator.process_index, accelerator.num_processes
    if compiled and world > 1:
        raise ValueError(f"compiled is True in {world} processes, expected one: the compiled step is not distributed")
    for network in filter(None, (generator, critic, average)):
        network.to(device)
    optimizers = (
        critic_optimizer or variant.critic_optimizer(critic.parameters()),
        generator_optimizer or variant.generator_optimizer(generator.parameters()),
    )
    critic_loss, critic_stepper = accelerator.prepare(_CriticLoss(critic, variant, mixed_precision), optimizers[0])
    generator_loss, generator_stepper = accelerator.prepare(
        _GeneratorLoss(generator, critic, variant, mixed_precision), optimizers[1]
    )
    whole = critic_gradients(critic, variant, mixed_precision) if compiled else None

    def step(images: Tensor, _: Tensor, number: int) -> dict[str, Tensor]:
        places = torch.arange(len(images), device=device)
        real, places, weight = share(images, places, rank, world)
        draws = Streams(mix(seed, LOSS, number), "critic", real, places)
        with torch.no_grad(), precision(device, mixed_precision):
            fake = generator(draws.randn(size)).to(real.dtype)
        if whole:
            mean = whole(real, fake, draws.rand())
        else:
            mean = critic_loss(real, fake, draws, weight)
            accelerator.backward(mean)
        critic_stepper.step()
        critic_stepper.zero_grad()
        if variant.after_critic_step:
            variant.after_critic_step(critic)
        means = {"critic": mean}
        if (number + 1) % k == 0:
            latents = Streams(mix(seed, LOSS, number), "generator", real, places).randn(size)
            means["generator"] = generator_loss(real, latents, weight)
            accelerator.backward(means["generator"])
            generator_stepper.step()
            generator_stepper.zero_grad()
            if average:
                average.update_parameters(generator)
        return means

    parts: dict[str, Stateful] = {"generator": generator, "critic": critic}
    parts |= {"critic optimizer": optimizers[0], "generator optimizer": optimizers[1]}
    parts |= {"average": average} if average else {}
    identity: dict[str, Any] = {"images": count(pairs), "batch_size": batch_size, "seed": seed, "latent": size}
    identity |= {"critic_steps": k, "variant": identify(variant), "mixed_precision": mixed_precision}
    identity |= {"generator": identify(generator), "critic": identify(critic), "compiled": compiled}
    identity |= {"optimizers": identify(tuple(repr(sorted(each.defaults.items())) for each in optimizers))}
    identity |= {"data": digest_of_data(pairs) if checkpoint else None}
    identity |= {"average": identify(average.multi_avg_fn)} if average else {}
    for optimizer in optimizers:
        optimizer.zero_grad()
    try:
        return run_epochs(
            step,
            pairs,
            nn.ModuleList([generator, critic]),
            accelerator,
            epochs=epochs,
            batch_size=batch_size,
            seed=seed,
            identity=identity,
            parts=parts,
            checkpoint=Path(checkpoint) if checkpoint else None,
            resume=resume,
            progress=progress,
            on_epoch_end=on_epoch_end
            and (lambda _, record: on_epoch_end(average.module if average else generator, record)),
        )
    finally:
        for optimizer in optimizers:
            optimizer.zero_grad()
        for network in filter(None, (generator, critic, average)):
            network.to(home)


class _CriticLoss(nn.Module):
    """One process's share of the critic's loss, as a module whose backward pass distributed training can hook."""

    def __init__(self, critic: nn.Module, variant: Variant, mixed_precision: str | None) -> None:
        super().__init__()
        self.critic, self.variant, self.mixed_precision = critic, variant, mixed_precision

    def forward(self, real: Tensor, fake: Tensor, draws: Streams, weight: float) -> Tensor:
        with precision(real.device, self.mixed_precision):
            return weight * _mean(self.variant.critic_loss(self.critic, real, fake, draws))


class _GeneratorLoss(nn.Module):
    """The same of the generator's; the critic, whose weights stay, is no part of the module."""

    def __init__(self, generator: nn.Module, critic: nn.Module, variant: Variant, mixed_precision: str | None) -> None:
        super().__init__()
        self.generator, self.variant, self.mixed_precision = generator, variant, mixed_precision
        self.held = (critic,)

    def forward(self, real: Tensor, latents: Tensor, weight: float) -> Tensor:
        (critic,) = self.held
        wanted = [(parameter, parameter.requires_grad) for parameter in critic.parameters()]
        critic.requires_grad_(False)
        try:
            with precision(real.device, self.mixed_precision):
                return weight * _mean(self.variant.generator_loss(critic, real, self.generator(latents)))
        finally:
            for parameter, was in wanted:
                parameter.requires_grad_(was)


def _mean(values: Tensor) -> Tensor:
    return (values.float() if values.dtype in (torch.float16, torch.bfloat16) else values).mean()


def _latent(generator: nn.Module, latent: int | None) -> int:
    check_count(optional=True, latent=latent)
    own: Any = getattr(generator, "latent", None)
    if latent is None and not isinstance(own, int):
        raise ValueError("latent is None, expected the length of what the generator takes: it has no attribute latent")
    if latent is not None and isinstance(own, int) and latent != own:
        raise ValueError(f"latent is {latent}, expected {own}, the generator's")
    return own if latent is None else int(latent)


def _checked(data: Tensor | Dataset) -> Tensor:
    """Two of the data, all of which are looked at where they are a tensor."""
    if isinstance(data, Dataset):
        return torch.stack([data[0][0], data[len(data) - 1][0]])  # type: ignore[arg-type]
    if not isinstance(data, Tensor) or data.dim() < 2 or not data.is_floating_point() or not len(data):
        came = f"{data.dtype} of shape {tuple(data.shape)}" if isinstance(data, Tensor) else type(data).__name__
        raise ValueError(f"data is {came}, expected a Dataset, or floating-point images (N, C, H, W) or points (N, …)")
    if data.dim() == 4:
        check_images(data, "data")
    elif not data.isfinite().all():
        raise ValueError("data holds values that are not finite, expected finite ones")
    return data[[0, -1]]


@torch.no_grad()
def _check_fit(generator: nn.Module, critic: nn.Module, sample: Tensor, latent: int) -> None:
    """The networks fit the data and each other; nothing of them is changed."""
    with evaluating(generator), evaluating(critic), torch.no_grad():
        try:
            made = generator(sample.new_zeros(len(sample), latent))
        except RuntimeError as error:
            raise ValueError(f"latent is {latent}, expected what the generator takes: {error}") from error
        if made.shape != sample.shape:
            raise ValueError(
                f"generator makes shape {tuple(made.shape[1:])}, expected that of the data, {tuple(sample.shape[1:])}"
            )
        scores(critic, sample)
