"""What holds of the device alone: each function is true of the library there, or raises."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from advcourse.attacks import pgd, spatial, universal_sgd
from advcourse.attacks.physical import patch
from advcourse.evaluation import evaluate
from advcourse.training import fit, random_crop
from tests.contracts.contract import contracts
from tests.device.attacking import catalogue, settings
from tests.device.backend import MODULE
from tests.device.draws import DEVICE, STATE
from tests.support.scenes import scene, seeded

there = partial(scene, device=DEVICE)


@contextmanager
def state_kept() -> Iterator[None]:
    """Inside, the device's own random state ends as it began, and so does the CPU's."""
    torch.manual_seed(3)
    before = STATE.get_state(), torch.get_rng_state()
    yield
    assert torch.equal(STATE.get_state(), before[0]), "the device's random state has moved"
    assert torch.equal(torch.get_rng_state(), before[1]), "the CPU's random state has moved"


def claims_that_a_generator_spares_the_state_of_the_device() -> None:
    """Of an attack on a network whose dropout draws there."""
    model, images, labels = there()
    model.train()
    with state_kept():
        pgd(model, images, labels, eps=0.1, steps=2, random_start=True, generator=seeded())
        spatial(model, images, labels, max_shift=1.0, max_angle=5.0, search="random", samples=2, generator=seeded())
        universal_sgd(model, images, eps=0.1, epochs=1, generator=seeded(), progress=False)
        patch(model, images, target=1, area=0.2, steps=1, generator=seeded())


def claims_that_fit_spares_the_state_of_the_device() -> None:
    model, images, labels = there()
    with state_kept():
        fit(model, (images, labels), epochs=1, batch_size=3, augment=random_crop, progress=False)


def claims_that_evaluate_waits_for_the_device() -> None:
    """Before and after each batch, where it reads the clock."""
    model, images, labels = there()
    MODULE.waited = 0
    evaluate(model, partial(pgd, eps=0.1, steps=1), images, labels, batch_size=3)
    assert MODULE.waited == 4, f"waited {MODULE.waited} times"


def claims_that_attacks_leave_no_trace() -> None:
    """The contract, of a model and images on the device."""
    from tests.contracts import attacks

    with scenes_there(attacks):
        for case in catalogue():
            quick: Any = replace(case, attack=partial(case.attack, **settings(case)))
            attacks.check_nothing_else_has_changed(quick, mode="mixed")


def claims_that_an_attack_keeps_its_contracts() -> None:
    """All of them, of one that draws and stops image by image."""
    from tests.contracts import attacks

    left_out = {attacks.check_devices_that_differ_are_refused}  # it names the CPU
    case = next(case for case in catalogue() if case.name == "spatial-random")
    with scenes_there(attacks):
        for check in set(contracts(attacks)) - left_out:
            if getattr(check, "applies", lambda case: True)(case):
                for variant in getattr(check, "variants", [{}]):
                    check(case, **variant | ({"device": DEVICE} if "device" in variant else {}))


@contextmanager
def scenes_there(kind: Any) -> Iterator[None]:
    """Contracts make their scenes on the device."""
    before = kind.scene
    kind.scene = lambda *given, **named: scene(*given, **{"device": DEVICE, **named})
    try:
        yield
    finally:
        kind.scene = before
