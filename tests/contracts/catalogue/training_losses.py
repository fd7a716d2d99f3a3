"""The losses that a network is trained with. One joins by a line."""

from functools import partial

from advcourse.attacks import pgd
from advcourse.structured import augmented, flow_step
from advcourse.training import random_crop, standard_loss
from tests.contracts.training_losses import Case

bent = partial(flow_step, gamma=1.0, max_displacement=0.5)

CATALOGUE = [
    Case("standard", standard_loss),
    Case("augmented-none", augmented()),
    Case("augmented-flow", augmented(bent)),
    Case("augmented-attack", augmented(partial(pgd, eps=0.05, steps=3))),
    Case("augmented-crop", augmented(augment=partial(random_crop, padding=1)), random=True),
    Case("augmented-flow-crop", augmented(partial(bent, uniform=True), partial(random_crop, padding=1)), random=True),
]
