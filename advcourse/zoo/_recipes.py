"""How each network in ``files/weights/`` was trained: one recipe a name, run by ``python -m advcourse train NAME``."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from advcourse import training
from advcourse.attacks import pgd
from advcourse.core.balls import clip
from advcourse.core.running import evaluating
from advcourse.defenses import adversarial, cure, denoising_loss, fast, trades
from advcourse.zoo._runs import one_cycle


def classified(model: nn.Module, images: Tensor, labels: Tensor) -> dict[str, float]:
    """Of a classifier: its accuracy."""
    return {"accuracy": training.accuracy(model, images, labels)}


def denoised(model: nn.Module, images: Tensor, labels: Tensor) -> dict[str, float]:
    """Of a denoiser: the root mean squared error of noisy images, in units of 1/255, before and after."""
    generator = torch.Generator().manual_seed(0)
    noisy = clip(images + DENOISED_SIGMA * torch.randn(images.shape, generator=generator))
    device = next(model.parameters()).device
    with evaluating(model), torch.no_grad():
        cleaned = torch.cat([model(batch.to(device)).to(images.device) for batch in noisy.split(500)])
    rms = {"error_of_noisy_images": noisy, "error": cleaned}
    return {key: round(255 * F.mse_loss(found, images).sqrt().item(), 3) for key, found in rms.items()}


@dataclass(frozen=True)
class Recipe:
    """What makes one shipped network, besides its architecture (``zoo.weights.build(name)``).

    The learning rate follows one cycle (up to ``lr`` over the first ``warmup`` of the steps, then down to nearly
    nothing along a cosine).
    """

    data: str
    epochs: int
    lr: float
    batch_size: int = 128
    optimizer: Callable[..., torch.optim.Optimizer] = torch.optim.AdamW
    warmup: float = 0.2
    augment: Callable[[Tensor], Tensor] | None = None
    loss: Callable[[int], training.Loss] = lambda total_steps: training.standard_loss
    eps: float | None = None
    measured: Callable[[nn.Module, Tensor, Tensor], dict[str, float]] = classified
    mixed_precision: str = "no"
    seed: int = 0

    def schedule(self, optimizer: torch.optim.Optimizer, steps: int) -> torch.optim.lr_scheduler.LRScheduler:
        """The one-cycle schedule over that many steps."""
        return one_cycle(optimizer, self.lr, steps, self.warmup)


def growing(total_steps: int, loss: Callable[..., training.Loss], **settings: Any) -> training.Loss:
    """A loss of ``defenses`` whose ball, or whose h, grows over the first quarter of the steps."""
    return loss(warmup=total_steps // 4, **settings)


def pgd_training(**settings: Any) -> training.Loss:
    """Adversarial training against seven steps of PGD from a random start."""
    return adversarial(partial(pgd, steps=7, random_start=True), **settings)


DENOISED_SIGMA = 8 / 255
"""Standard deviation of the noise that a denoiser learns to undo, and is measured by."""

RECIPES: dict[str, Recipe] = {
    "mnist/cnn": Recipe(
        "mnist",
        epochs=10,
        lr=3e-3,
        augment=partial(training.random_crop, padding=2, mirror=False),
        mixed_precision="bf16",
    ),
    "mnist/lenet": Recipe(
        "mnist",
        epochs=10,
        lr=2e-3,
        augment=partial(training.random_crop, padding=2, mirror=False),
        mixed_precision="bf16",
    ),
    "mnist/fc500-150-10": Recipe(
        "mnist",
        epochs=20,
        lr=2e-3,
        augment=partial(training.random_crop, padding=1, mirror=False),
        mixed_precision="bf16",
    ),
    "gtsrb/cnn": Recipe(
        "gtsrb",
        epochs=30,
        lr=5e-3,
        augment=partial(training.random_crop, padding=3, mirror=False),
        mixed_precision="bf16",
    ),
    "fashion-mnist/cnn": Recipe(
        "fashion-mnist", epochs=10, lr=3e-3, augment=partial(training.random_crop, padding=2), mixed_precision="bf16"
    ),
    "cifar10/resnet20": Recipe(
        "cifar10",
        epochs=20,
        lr=0.2,
        optimizer=partial(torch.optim.SGD, momentum=0.9, nesterov=True, weight_decay=5e-4),
        augment=training.random_crop,
        mixed_precision="bf16",
    ),
    "mnist/cnn-robust": Recipe(
        "mnist",
        epochs=12,
        lr=2e-3,
        loss=partial(growing, loss=pgd_training, eps=0.3),
        eps=0.3,
        mixed_precision="bf16",
    ),
    "mnist/cnn-trades": Recipe(
        "mnist",
        epochs=5,
        lr=2e-3,
        loss=partial(growing, loss=trades, eps=0.3, beta=6.0, steps=7),
        eps=0.3,
    ),
    "mnist/cnn-smooth": Recipe(
        "mnist",
        epochs=3,
        lr=2e-3,
        loss=partial(growing, loss=pgd_training, eps=0.3),
        eps=0.3,
    ),
    "mnist/cnn-fast": Recipe(
        "mnist",
        epochs=12,
        lr=2e-3,
        loss=partial(growing, loss=fast, eps=0.3),
        eps=0.3,
    ),
    "mnist/cnn-cure": Recipe(
        "mnist",
        epochs=5,
        lr=2e-3,
        loss=partial(growing, loss=cure, h=1.5, lam=100.0),
        eps=0.3,
    ),
    "cifar10/denoiser": Recipe(
        "cifar10",
        epochs=4,
        lr=4e-3,
        loss=lambda total_steps: partial(denoising_loss, sigma=DENOISED_SIGMA),
        measured=denoised,
    ),
}
