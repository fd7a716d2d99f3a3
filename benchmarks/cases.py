"""What is measured: networks, images they classify correctly, and budgets."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from advcourse import data, models
from advcourse.core.running import predict
from benchmarks.peers import MAKERS, Budget

EVERYONE = tuple(MAKERS)


@dataclass(frozen=True)
class Case:
    """A network, a number of images attacked at once, and the attacks, each with its number of rounds."""

    network: str
    dataset: str
    batch: int
    plan: tuple[tuple[Budget, int], ...]
    libraries: tuple[str, ...] = EVERYONE
    frozen: bool = False
    """Parameters with ``requires_grad`` off: libraries whose backward pass fills their ``.grad`` then need not."""

    @property
    def title(self) -> str:
        frozen = ", parameters frozen" if self.frozen else ""
        return f"{self.network}, {self.batch} images at once{frozen}"

    def load(self, device: torch.device) -> tuple[nn.Module, Tensor, Tensor, int]:
        """The network, a batch of images that it classifies correctly, their labels, the number of classes."""
        model = models.load(self.network, device).requires_grad_(not self.frozen)
        images, labels, _ = data.load(self.dataset, n=2 * self.batch)
        images, labels = images.to(device), labels.to(device)
        logits = predict(model, images, batch_size=64)
        correct = (logits.argmax(1) == labels).nonzero()[:, 0]
        if not len(correct):
            raise ValueError(f"{self.network} classifies no image of {self.dataset} correctly: is its data at hand?")
        # Where there are too few (the bundled photographs), they are repeated.
        chosen = correct[torch.arange(self.batch, device=device) % len(correct)]
        return model, images[chosen], labels[chosen], logits.shape[1]


def cases(cifar10: str, imagenet: str, photographs: int) -> dict[str, list[Case]]:
    """By data set; budgets under which FGSM and PGD leave some images unfooled, so that success can differ.

    Args:
        cifar10, imagenet: names of networks.
        photographs: how many are attacked at once where only our own overhead is measured.
    """
    level = 1 / 255
    linf = Budget("pgd", "linf", level, step_size=2.5 * level / 40, steps=40)
    few = Budget("pgd", "linf", level, step_size=2.5 * level / 20, steps=20)
    small = (
        (Budget("fgsm", "linf", level), 15),
        (Budget("ifgsm", "linf", 4 * level, step_size=level / 2, steps=10), 7),
        (linf, 7),
        (Budget("pgd", "l2", 0.15, step_size=2.5 * 0.15 / 20, steps=20), 7),
    )
    beside_others = (
        (Budget("fgsm", "linf", level / 2), 7),
        (Budget("ifgsm", "linf", level, step_size=level / 4, steps=10), 3),
        (Budget("pgd", "linf", level / 2, step_size=2.5 * level / 2 / 20, steps=20), 3),
    )
    alone = (Budget("pgd", "linf", level / 2, step_size=level / 4, steps=2), 7)
    return {
        "cifar10": [
            Case(cifar10, "cifar10", 128, small),
            Case(cifar10, "cifar10", 128, ((few, 3),), frozen=True),
        ],
        "imagenet": [
            Case(imagenet, "imagenet-samples", photographs, (alone,), libraries=("advcourse",)),
            Case(imagenet, "imagenet-samples", 8, beside_others),
        ],
    }
