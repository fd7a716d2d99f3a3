"""What the checks of an attack's choice between two images say, and that right choices pass."""

import pytest
import torch
import torch.nn.functional as F

from advcourse.grading import ranked
from tests.support.refusals import says


def attack(key=lambda loss, fooled: loss + 1e6 * fooled, precise=lambda z: z.double(), asked=2):
    """One step to the right, and of the two images the one with the larger key."""

    def attack_through(defended, stand_in, images, labels, eps, step_size, steps):
        path = torch.stack([images, images])
        path[1, :, 0, 0, 0] += step_size
        logits = torch.stack([defended(x) for x in path])[:asked]
        loss = torch.stack([F.cross_entropy(precise(z), labels, reduction="none") for z in logits])
        fooled = logits.argmax(2) != labels
        best = key(loss, fooled).argmax(0)
        return path[best, torch.arange(len(images))], fooled.int().cummax(0).values.double().mean(1)

    return attack_through


PAIRS = {
    "fooled": (ranked.lure(2, 4, 0.1, True), torch.float64),
    "not fooled": (ranked.lure(0, 3, 0.54, False), torch.float32),
    "close, high": (list(ranked.nearly(1, 3, 2.5, 0.005))[0], torch.float32),
    "close, low": (list(ranked.nearly(1, 3, 2.5, 0.005))[1], torch.float32),
    "closer than float32": (list(ranked.nearly(1, 3, 600, 5e-6))[0], torch.float64),
}
LABEL = {"fooled": 2, "not fooled": 0}


@pytest.mark.parametrize("name", PAIRS)
def test_a_right_choice_passes_and_its_opposite_does_not(name):
    rows, dtype = PAIRS[name]
    label = LABEL.get(name, 1)
    ranked.told_apart(attack(), *rows, label, "why", dtype)
    with says("should come back as x_0: why"):
        ranked.told_apart(attack(key=lambda loss, fooled: -loss), *rows, label, "why", dtype)
    with says("image 1 should come back as x_1: why"):
        ranked.told_apart(attack(key=lambda loss, fooled: 0 * loss), *rows, label, "why", dtype)


@pytest.mark.parametrize("name", ["fooled", "not fooled"])
def test_a_loss_of_probabilities_takes_the_lure(name):
    rows, dtype = PAIRS[name]
    with says("softmax too many"):
        lured = attack(precise=lambda z: z.double().softmax(1))
        ranked.told_apart(lured, *rows, LABEL[name], ranked.SOFTMAX, dtype)


@pytest.mark.parametrize("name", ["close, high", "close, low"])
def test_what_is_rounded_away_in_float32(name):
    rows, dtype = PAIRS[name]
    ranked.told_apart(attack(precise=lambda z: z, key=lambda loss, fooled: loss), *rows, 1, "why", dtype)
    with says("after something large was added"):
        ranked.told_apart(attack(precise=lambda z: z), *rows, 1, ranked.ROUNDED, dtype)


def test_losses_closer_than_numbers_of_float32():
    rows, dtype = PAIRS["closer than float32"]
    with says("compared in float32"):
        rounded = attack(precise=lambda z: z.float(), key=lambda loss, fooled: loss)
        ranked.told_apart(rounded, *rows, 1, ranked.ROUNDED, dtype)


def test_both_images_are_to_be_judged():
    with says(r"showed `defended` 1 images|expected \(2,\)"):
        ranked.told_apart(attack(asked=1), *PAIRS["fooled"][0], 2, "why")
