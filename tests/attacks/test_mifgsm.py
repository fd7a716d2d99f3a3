"""MI-FGSM against steps written out and counted passes."""

import pytest
import torch
from torch import nn

from advcourse.attacks import mifgsm
from advcourse.core.losses import cross_entropy
from advcourse.core.running import count_passes
from tests.support.recorders import Recorder
from tests.support.scenes import loss_gradient, scene
from tests.support.toys import Shifted

EPS = 0.06


def written_out(model, images, labels, steps, decay):
    """Every iterate of algorithm 1, one image at a time."""
    iterates = []
    for i in range(len(images)):
        x, momentum, row = images[[i]], torch.zeros_like(images[[i]]), [images[[i]]]
        for _ in range(steps):
            gradient = loss_gradient(model, x, labels[[i]])
            momentum = decay * momentum + gradient / gradient.abs().sum()
            x = x + EPS / steps * momentum.sign()
            x = torch.min(torch.max(x, images[[i]] - EPS), images[[i]] + EPS).clamp(0, 1)
            row.append(x)
        iterates.append(torch.cat(row))
    return torch.stack(iterates, 1)  # (steps + 1, N, C, H, W)


@pytest.mark.parametrize("decay", [0.0, 0.5, 1.0])
def test_mifgsm_is_the_papers_algorithm(decay):
    model, images, labels = scene()
    expected = written_out(model, images, labels, 6, decay)
    recorder = Recorder(model)
    result = mifgsm(recorder, images, labels, eps=EPS, steps=6, decay=decay)
    torch.testing.assert_close(torch.stack(recorder.seen), expected, rtol=0, atol=1e-12)
    losses = torch.stack([cross_entropy(model(x), labels) + 1e6 * (model(x).argmax(1) != labels) for x in expected])
    torch.testing.assert_close(result, expected[losses.argmax(0), torch.arange(6)], rtol=0, atol=1e-12)


def test_momentum_makes_a_difference():
    model, images, labels = scene()
    kept = mifgsm(model, images, labels, eps=EPS, decay=1.0)
    forgotten = mifgsm(model, images, labels, eps=EPS, decay=0.0)
    assert ((kept - forgotten).abs() > 1e-3).double().mean() > 0.02


class Bend(nn.Module):
    """A margin that rises gently up to a brightness of 0.505 and falls a thousand times as steeply beyond it."""

    def forward(self, x):
        mean = x.mean((1, 2, 3))
        return torch.stack([0 * mean, torch.where(mean < 0.505, mean, 0.505 - 1000 * (mean - 0.505))], 1)


def brightness(*starts, scale=1.0):
    """Of each image, step by step; they are of classes 0, 1, …"""
    images = torch.tensor(starts, dtype=torch.float64).view(-1, 1, 1, 1).expand(-1, 1, 2, 2)
    recorder = Recorder(Shifted(Bend(), scale))
    mifgsm(recorder, images, torch.arange(len(starts)), eps=0.1, steps=3, step_size=0.01)
    return torch.stack([x.mean((1, 2, 3)) for x in recorder.seen], 1).tolist()


@pytest.mark.parametrize("scale", [1.0, 1e-25, 1e-300])
def test_early_gradients_weigh_as_much_as_later_ones(scale):
    """Un-normalised, the steep second gradient would drown the first for good; of equal norm, the two cancel."""
    assert brightness(0.5, scale=scale) == [pytest.approx([0.5, 0.51, 0.51, 0.50], abs=1e-12)]


def test_gradients_are_normalised_image_by_image():
    """By the norm of the batch's gradient, an image beside a steeper one would step otherwise (trap 6)."""
    assert brightness(0.5, 0.9)[0] == pytest.approx(brightness(0.5)[0], abs=1e-12)


def test_mifgsm_goes_on_where_the_image_is_fooled():
    model, images, labels = scene()
    wrong = (labels + 1) % 4
    assert (mifgsm(model, images, wrong, eps=EPS) != images).flatten(1).any(1).all()


def test_mifgsm_costs_steps_forward_and_backward_and_one_forward():
    model, images, labels = scene()
    with count_passes(model) as passes:
        mifgsm(model, images, labels, eps=EPS, steps=7)
    assert (passes.forwards, passes.backwards) == (6 * 8, 6 * 7)


def test_success_grows_with_eps():
    model, images, labels = scene(30)
    fooled = [(model(mifgsm(model, images, labels, eps=eps)).argmax(1) != labels).sum() for eps in (0, 0.02, 0.2)]
    assert 0 == fooled[0] < fooled[1] < fooled[2]
