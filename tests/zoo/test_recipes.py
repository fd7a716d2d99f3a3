"""What the recipes train with, beyond the trainer's own losses."""

import pytest

from advcourse.zoo._recipes import AdversarialLoss
from tests.support.recorders import Recorder
from tests.support.scenes import scene


def test_the_ball_of_adversarial_training_grows_while_it_warms_up():
    network, images, labels = scene(4)
    loss, radii = AdversarialLoss(8, eps=0.3, steps=7, warmup=0.5), []
    for _ in range(6):
        model = Recorder(network)
        loss(model, images, labels)
        radii.append(max((x - images).abs().max().item() for x in model.seen))
    assert radii == pytest.approx([0.075, 0.15, 0.225, 0.3, 0.3, 0.3])
