"""CURE and LLR: a linear network's closed forms, and what must not matter."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from advcourse.defenses import cure, curvature_penalty, llr
from advcourse.defenses._llr import _least_linear
from tests.support.affine import affine, scattered
from tests.support.recorders import Recorder
from tests.support.scenes import scene

H, EPS = 0.7, 0.1


def linear(classes: int = 3):
    model, images = affine(classes), scattered()
    return model, images, torch.arange(len(images)) % classes


def test_the_penalty_of_a_linear_network_under_cross_entropy_is_how_far_its_probabilities_move():
    model, images, labels = linear()
    p = model(images).softmax(1)
    gradient = ((p - F.one_hot(labels, 3)) @ model.weight).view(images.shape)
    z = H * gradient.sign() / gradient[0].numel() ** 0.5
    expected = ((model(images + z).softmax(1) - p) @ model.weight).square().sum(1)
    found = curvature_penalty(model, images, labels, h=H)
    torch.testing.assert_close(found, expected)
    assert (found > 1e-3).all()
    loss = cure(h=H, lam=2)(model, images, labels)
    torch.testing.assert_close(loss, F.cross_entropy(model(images), labels) + 2 * expected.mean())


@pytest.mark.parametrize("classes", [2, 5])
def test_a_loss_linear_in_the_logits_of_a_linear_network_has_no_curvature(classes):
    model, images, labels = linear(classes)
    assert curvature_penalty(model, images, labels, h=H, loss="nll").abs().max() < 1e-25


def test_the_penalty_is_not_divided_by_h_and_is_the_hessian_for_a_small_one():
    model, images, labels = scene(3)
    h, found = 1e-3, []
    for size in (h, 2 * h):
        found.append(curvature_penalty(model, images, labels, h=size))
    torch.testing.assert_close(found[1], 4 * found[0], rtol=0.02, atol=0)
    for i, one in enumerate(images):

        def loss(x, label=labels[[i]]):
            return F.cross_entropy(model(x[None]), label)

        sign = torch.autograd.functional.jacobian(loss, one).sign()
        product = torch.autograd.functional.hvp(loss, one, h * sign / sign.norm())[1]
        torch.testing.assert_close(found[0][i], product.square().sum(), rtol=0.02, atol=0)


def test_both_gradients_are_differentiated_and_the_direction_is_not():
    """By finite differences of a weight, at z held fixed."""
    model, images, labels = scene(3)
    x = images.clone().requires_grad_()
    (slope,) = torch.autograd.grad(F.cross_entropy(model(x), labels, reduction="sum"), x)
    z = H * slope.sign() / slope.sign().flatten(1).norm(dim=1)[:, None, None, None]

    def penalty():
        slopes = []
        for at in (images + z, images):
            at = at.detach().clone().requires_grad_()
            slopes.append(torch.autograd.grad(F.cross_entropy(model(at), labels, reduction="sum"), at)[0])
        return (slopes[0] - slopes[1]).square().sum() / len(images)

    weight = model[0].weight
    (found,) = torch.autograd.grad(curvature_penalty(model, images, labels, h=H).mean(), weight)
    for entry in (0, 17, 80):
        ends = []
        for step in (1e-5, -1e-5):
            with torch.no_grad():
                weight.view(-1)[entry] += step
            ends.append(penalty().item())
            with torch.no_grad():
                weight.view(-1)[entry] -= step
        assert found.flatten()[entry].item() == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("make", [lambda: cure(h=H, lam=1), lambda: llr(eps=EPS, steps=1)])
@pytest.mark.parametrize("mode", ["eval", "train"])
def test_a_batch_doubled_by_copies_has_the_same_loss(make, mode, monkeypatch):
    model, images, labels = scene()
    model[8] = nn.Identity()  # no dropout, whose draws would differ
    monkeypatch.setattr("advcourse.defenses._llr.uniform", lambda images, eps, norm: eps * (images - 0.5).sign())
    model.train(mode == "train")
    doubled = images.repeat(2, 1, 1, 1), labels.repeat(2)
    once, twice = (make()(copy.deepcopy(model), *batch) for batch in ((images, labels), doubled))
    torch.testing.assert_close(once, twice)


def test_llr_of_a_linear_loss_is_its_slope_alone():
    model, images, labels = linear()
    recorder = Recorder(model)
    torch.manual_seed(0)
    found = llr(eps=EPS, lam=1e6, mu=3, loss="nll")(recorder, images, labels)
    delta = recorder.seen[-2] - images  # the last but one: beside the image; then the image is fitted
    rise = (delta.flatten(1) * model.weight[labels]).sum(1).abs()
    torch.testing.assert_close(found, F.cross_entropy(model(images), labels) + 3 * rise.mean())
    assert rise.min() > 1e-3


def test_llr_is_its_formula_for_the_perturbation_that_it_found():
    model, images, labels = scene()
    recorder = Recorder(model)
    torch.manual_seed(0)
    found = llr(eps=EPS, lam=4, mu=3)(recorder, images, labels)
    delta = recorder.seen[-2] - images
    x = images.clone().requires_grad_()
    value = F.cross_entropy(model(x), labels, reduction="none")
    (slope,) = torch.autograd.grad(value.sum(), x)
    beside = F.cross_entropy(model(images + delta), labels, reduction="none")

    def formula(delta):
        rise = (delta * slope).flatten(1).sum(1)
        return (value + 4 * (beside - value - rise).abs() + 3 * rise.abs()).mean()

    torch.testing.assert_close(found, formula(delta))
    assert (formula(delta.roll(1, 0)) - found).abs() > 1e-3 * found  # each image's own
    assert delta.abs().max() <= EPS + 1e-12 and (images + delta).min() >= 0 and (images + delta).max() <= 1


def test_the_ascent_finds_more_than_where_it_started():
    model, images, labels = scene()
    x = images.clone().requires_grad_()
    value = F.cross_entropy(model(x), labels, reduction="none")
    (slope,) = torch.autograd.grad(value.sum(), x)

    def distance(steps):
        torch.manual_seed(0)
        settings = {"per_image": lambda z, y: F.cross_entropy(z, y, reduction="none"), "norm": "linf"}
        delta = _least_linear(
            model,
            images,
            labels,
            EPS,
            value.detach(),
            slope,
            steps=steps,
            step_size=None if steps > 1 else 0,
            **settings,
        )
        tangent = value.detach() + (delta * slope).flatten(1).sum(1)
        return (F.cross_entropy(model(images + delta), labels, reduction="none") - tangent).abs()

    assert (distance(10) > distance(1)).double().mean() >= 5 / 6


@pytest.mark.parametrize("make", [lambda: cure(h=H, lam=1), lambda: llr(eps=EPS)])
def test_the_penalty_stays_in_float32_under_autocast(make):
    """Differences of losses and of gradients: bfloat16 has three digits."""
    model, images, labels = scene(dtype=torch.float32)
    values = []
    for enabled in (False, True):
        torch.manual_seed(0)
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            with torch.autocast("cpu", enabled=False):
                clean = F.cross_entropy(model(images), labels)
            plain = F.cross_entropy(model(images).float(), labels)
            values.append(make()(model, images, labels) - (plain if enabled else clean))
    torch.testing.assert_close(values[0], values[1], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("make", [lambda on: cure(h=0.5, lam=100 * on), lambda on: llr(eps=EPS, lam=5 * on, mu=5 * on)])
def test_training_straightens_the_loss(make):
    """A few steps from the same weights, with the penalty and without."""
    found = []
    for on in (0, 1):
        model, images, labels = scene()
        labels = (labels + 1) % 4
        optimizer = torch.optim.SGD(model.parameters(), lr=2e-3)
        torch.manual_seed(0)
        loss = make(on)
        for _ in range(20):
            optimizer.zero_grad()
            loss(model, images, labels).backward()
            optimizer.step()
        found.append(curvature_penalty(model, images, labels, h=0.5).mean())
    assert found[1] < found[0] / 2
