"""Robust training by ART beside ours: the same network, optimiser and settings, at a constant learning rate.

But ART's fast trainer, which sets a rate of its own (0.21 at its highest) whatever optimiser it is given, and clips
gradients: it is given SGD with momentum, as its paper has it.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from advcourse import defenses, training
from advcourse.attacks import pgd
from advcourse.zoo.defended import DEFENSES, DefenseSettings, network_of

PACKAGE = "adversarial-robustness-toolbox"
RATE = 1e-3
STEP = 2.5
"""Of PGD, in units of ε / steps."""

Trainer = Callable[..., nn.Module]


def ours(loss: Callable[[DefenseSettings], training.Loss]) -> Trainer:
    def train(x: Tensor, y: Tensor, settings: DefenseSettings, *, epochs: int) -> nn.Module:
        model = network_of(DEFENSES["standard"], 0).to(x.device)
        optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
        options = {"batch_size": settings.batch_size, "progress": False}
        training.fit(model, (x, y), loss(settings), epochs=epochs, optimizer=optimizer, **options)
        return model

    return train


def art(trainer: Callable[..., object], optimizer: Callable[..., torch.optim.Optimizer] = torch.optim.Adam) -> Trainer:
    """One of ART's: ``trainer(classifier, pgd of it, settings)`` has ``fit``."""

    def train(x: Tensor, y: Tensor, settings: DefenseSettings, *, epochs: int) -> nn.Module:
        from art.attacks.evasion import ProjectedGradientDescentPyTorch
        from art.estimators.classification import PyTorchClassifier

        model = network_of(DEFENSES["standard"], 0).to(x.device)
        shape, place = tuple(x.shape[1:]), "gpu" if x.is_cuda else "cpu"
        given = {"optimizer": optimizer(model.parameters(), lr=RATE), "device_type": place, "clip_values": (0.0, 1.0)}
        classifier = PyTorchClassifier(model, nn.CrossEntropyLoss(), shape, 10, **given)
        ball = {"eps": settings.eps, "eps_step": STEP * settings.eps / settings.steps, "max_iter": settings.steps}
        attack = ProjectedGradientDescentPyTorch(
            classifier, **ball, num_random_init=1, batch_size=settings.batch_size, verbose=False
        )
        made = trainer(classifier, attack, settings)
        labels = np.eye(10, dtype=np.float32)[y.cpu().numpy()]
        made.fit(x.cpu().numpy(), labels, batch_size=settings.batch_size, nb_epochs=epochs)  # type: ignore[attr-defined]
        return model.eval()

    return train


def _pgd(classifier: object, attack: object, settings: DefenseSettings) -> object:
    from art.defences.trainer import AdversarialTrainer

    return AdversarialTrainer(classifier, attack, ratio=1.0)


def _trades(classifier: object, attack: object, settings: DefenseSettings) -> object:
    from art.defences.trainer import AdversarialTrainerTRADESPyTorch

    return AdversarialTrainerTRADESPyTorch(classifier, attack, beta=6.0)


def _fast(classifier: object, attack: object, settings: DefenseSettings) -> object:
    from art.defences.trainer import AdversarialTrainerFBFPyTorch

    return AdversarialTrainerFBFPyTorch(classifier, eps=settings.eps)


def _step(settings: DefenseSettings) -> float:
    return STEP * settings.eps / settings.steps


PAIRS: dict[str, dict[str, Trainer]] = {
    "PGD": {
        "advcourse": ours(
            lambda s: defenses.adversarial(
                partial(pgd, steps=s.steps, step_size=_step(s), random_start=True), eps=s.eps
            )
        ),
        "ART": art(_pgd),
    },
    "TRADES": {
        "advcourse": ours(lambda s: defenses.trades(eps=s.eps, beta=6.0, steps=s.steps, step_size=_step(s))),
        "ART": art(_trades),
    },
    "fast": {
        "advcourse": ours(lambda s: defenses.fast(eps=s.eps)),
        "ART": art(_fast, partial(torch.optim.SGD, momentum=0.9)),
    },
}


def installed() -> list[str]:
    return [PACKAGE] if importlib.util.find_spec("art") else []
