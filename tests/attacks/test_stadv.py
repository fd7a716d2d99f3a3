"""stAdv against pixel arithmetic, dense sums and counted passes."""

import sys

import pytest
import torch
from torch import nn

from advcourse.attacks import flow_loss, stadv
from advcourse.core.losses import input_gradient, margin
from advcourse.core.running import count_passes
from advcourse.core.warps import warp
from advcourse.evaluation import evaluate
from tests.support.recorders import watched
from tests.support.scenes import normal, scene
from tests.support.toys import Constant, Shifted, pictures, smooth_cnn

SETTINGS = {"steps": 40, "step_size": 0.05, "flow_weight": 0.003}


def random_flow(n=3, height=4, width=5):
    return normal(n, 2, height, width)


# -- the flow loss


def test_the_flow_loss_sums_over_pixels_and_their_four_neighbours():
    flow = random_flow()
    expected = torch.zeros(3, dtype=torch.float64)
    for y in range(4):
        for x in range(5):
            for down, right in ((0, 1), (1, 0), (0, -1), (-1, 0)):
                if 0 <= y + down < 4 and 0 <= x + right < 5:
                    step = flow[:, :, y, x] - flow[:, :, y + down, x + right]
                    expected += step.norm(dim=1)
    torch.testing.assert_close(flow_loss(flow), expected, rtol=1e-4, atol=0)


def test_the_flow_loss_is_each_images_own():
    """One root of a sum over the batch is no flow loss: each image's must not depend on its neighbours."""
    flow = random_flow(5)
    alone = torch.cat([flow_loss(flow[[i]]) for i in range(5)])
    assert flow_loss(flow).shape == (5,)
    torch.testing.assert_close(flow_loss(flow), alone, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_flow_loss_has_a_gradient_where_neighbours_move_alike(dtype):
    """The root's slope at zero is infinite."""
    flow = torch.full((2, 2, 3, 4), 0.7, dtype=dtype, requires_grad=True)
    loss = flow_loss(flow)
    (gradient,) = torch.autograd.grad(loss.sum(), flow)
    assert loss.tolist() == [0, 0] and gradient.count_nonzero() == 0 and gradient.isfinite().all()


def test_gradients_of_the_flow_loss_are_finite_differences():
    assert torch.autograd.gradcheck(flow_loss, random_flow(2, 3, 3).requires_grad_())


# -- what it finds


def test_the_flow_goes_no_further_than_the_boundary():
    """A column is to become brighter than 0.5 by looking at its brighter neighbour: 1.25 pixels to the left."""
    ramp = torch.tensor([1.0, 0.8, 0.6, 0.4, 0.2, 0.0], dtype=torch.float64)
    images = ramp.expand(2, 1, 4, 6).clone()

    class Column(nn.Module):
        def forward(self, x):
            bright = x[..., 4].mean((1, 2))
            return torch.stack([torch.full_like(bright, 0.45), bright], 1)

    result = stadv(Column(), images, torch.tensor([0, 1]), steps=300, step_size=0.02, flow_weight=3e-3)
    assert 0.45 < result[0, 0, :, 4].mean() < 0.46
    assert torch.equal(result[1], images[1])  # misclassified as it is


def trace(model, image, label, **settings):
    """The attack on one image, with every iterate that the model saw and the flow loss of each."""
    with pytest.MonkeyPatch.context() as patch:
        warps = watched(patch, sys.modules["advcourse.attacks._stadv"], "warp")
        result = stadv(model, image, label, **settings)
    seen = torch.cat([call.result.detach() for call in warps])
    rough = torch.cat([flow_loss(call.given[1].detach()) for call in warps])
    return result, seen, rough.masked_fill(model(seen).argmax(1) == label, torch.inf)


def test_what_comes_back_is_the_smoothest_that_fooled():
    model, images, labels = scene(1)
    result, seen, rough = trace(model, images, labels, **SETTINGS)
    assert rough.isfinite().sum() >= 3 and 0 < rough.argmin() < len(rough) - 1
    assert torch.equal(result[0], seen[rough.argmin()])
    assert torch.equal(seen[0], images[0])  # a flow of zeros comes first


def test_a_heavier_flow_weight_gives_a_smoother_flow():
    model, images, labels = scene(3)
    for i in range(3):
        settings = {"steps": 60, "step_size": 0.05}
        light, heavy = (
            trace(model, images[[i]], labels[[i]], flow_weight=weight, **settings)[2].min() for weight in (0.0, 0.003)
        )
        assert heavy < 0.95 * light < torch.inf


def test_success_is_judged_with_confidence():
    """Kappa ignored when success is judged (trap 4): every image that moved must be misclassified by its margin."""
    model, images, labels = scene(10)
    for confidence in (0.0, 2.0):
        result = stadv(model, images, labels, confidence=confidence, **SETTINGS)
        moved = (result != images).flatten(1).any(1)
        assert moved.sum() >= 5
        assert margin(model(result), labels)[moved].min() >= confidence
    targets = model(images).argsort(1, descending=True)[:, 1]
    result = stadv(model, images, labels, confidence=1.0, targets=targets, **SETTINGS)
    moved = (result != images).flatten(1).any(1)
    assert moved.sum() >= 5 and margin(model(result), targets)[moved].max() <= -1


def test_an_image_out_of_reach_comes_back_itself():
    model, images, labels = scene(6)
    model[-1].bias.data[labels.mode().values] += 100
    labels = model(images).argmax(1)
    assert torch.equal(stadv(model, images, labels, **SETTINGS), images)
    assert torch.equal(stadv(model, images, labels, confidence=1e6, **SETTINGS), images)


def test_the_hinge_works_on_negative_logits():
    """max(one_hot * z) sees 0 where every other logit is negative (trap 2)."""
    model, images, labels = scene(6)
    found = [
        (
            Shifted(model, shift=shift)(stadv(Shifted(model, shift=shift), images, labels, **SETTINGS)).argmax(1)
            != labels
        ).tolist()
        for shift in (0.0, -20.0)
    ]
    assert found[0] == found[1] and sum(found[0]) >= 4


def test_black_and_white_images_can_be_bent():
    """Pixels that are exactly 0 or 1 must be able to move (trap 3)."""
    model, images, _ = scene(10)
    images = images.round()
    labels = model(images).argmax(1)
    assert evaluate(model, lambda *given: stadv(*given, **SETTINGS), images, labels).success_rate >= 0.8


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_first_gradient_is_finite_and_not_zero(dtype):
    model, images = smooth_cnn(dtype=dtype), pictures(2, dtype=dtype)
    flow = torch.zeros(2, 2, 8, 6, dtype=dtype, requires_grad=True)
    logits = model(warp(images, -flow))
    gradient = input_gradient(-margin(logits, logits.argmax(1)) + flow_loss(flow), flow)
    assert gradient.isfinite().all() and (gradient != 0).flatten(1).float().mean(1).min() > 0.5


# -- cost


def test_passes_end_when_the_objective_does_not_fall():
    with count_passes(model := Constant()) as passes:
        stadv(model, pictures(3), torch.zeros(3, dtype=torch.int64), steps=100, step_size=0.05, flow_weight=0.1)
    assert passes.forwards == 3 * 34  # a third of the steps, and the first
    with count_passes(model) as passes:
        stadv(model, pictures(3), torch.ones(3, dtype=torch.int64), steps=100, step_size=0.05, flow_weight=0.1)
    assert passes.forwards == 3


def test_passes_are_at_most_the_steps_and_one():
    model, images, labels = scene(6)
    for steps in (1, 7, 30):
        with count_passes(model) as passes:
            stadv(model, images, labels, steps=steps, step_size=0.05, flow_weight=0.01)
        assert passes.forwards <= 6 * (steps + 1) and passes.backwards <= 6 * steps
    with count_passes(model) as passes:
        stadv(model, images, labels, steps=9, step_size=0.001, flow_weight=0.0)  # still falling at the end
    assert (passes.forwards, passes.backwards) == (6 * 10, 6 * 9)
