"""The losses per image: against torch's own, and where the label is far ahead."""

import math
from functools import partial

import pytest
import torch

from advcourse.attacks import apgd, ddn, fgsm, ifgsm, mifgsm, pgd, universal_sgd
from advcourse.core.balls import by_largest, norms
from advcourse.core.losses import LOSSES, cross_entropy, dlr, input_gradient, log_odds, margin, rising, targeted_dlr
from advcourse.structured import flow, flow_step, recolor
from tests.support.scenes import scene, seeded
from tests.support.toys import Affine, pictures

MARGINS = [0.0, 20.0, 50.0, 95.0, 120.0, 1000.0]


def draw(dtype=torch.float64, scale=5.0):
    generator = seeded()
    return scale * torch.randn(40, 7, generator=generator, dtype=dtype), torch.randint(7, (40,), generator=generator)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_cross_entropy_and_its_gradient_are_torchs(dtype):
    logits, labels = draw(dtype)
    ours, theirs = (logits.clone().requires_grad_() for _ in range(2))
    value, expected = cross_entropy(ours, labels), torch.nn.functional.cross_entropy(theirs, labels, reduction="none")
    torch.testing.assert_close(value, expected)
    for each, x in ((value, ours), (expected, theirs)):
        each.sum().backward()
        assert x.grad is not None
    torch.testing.assert_close(ours.grad, theirs.grad)


def test_log_odds_rise_with_the_cross_entropy_and_contain_the_margin():
    logits, labels = draw()
    odds, loss = log_odds(logits, labels), cross_entropy(logits, labels)
    torch.testing.assert_close(loss, torch.log1p(odds.exp()))
    assert torch.equal(odds.argsort(), loss.argsort())
    assert (odds >= margin(logits, labels)).all() and (odds <= margin(logits, labels) + math.log(6)).all()
    two = logits[:, :2]
    torch.testing.assert_close(log_odds(two, labels % 2), margin(two, labels % 2))


@pytest.mark.parametrize("ahead", MARGINS[:4])
def test_a_label_far_ahead_leaves_a_loss_above_zero(ahead):
    """A logit less a logsumexp is rounded to zero from a margin of 17 on in float32."""
    logits = torch.tensor([[ahead, 0.0, 0.0]])
    value = cross_entropy(logits, torch.tensor([0])).item()
    assert value == pytest.approx(math.log1p(2 * math.exp(-ahead)), rel=1e-4)


def ahead(margin: float, dtype=torch.float32) -> Affine:
    """Three classes, the first ahead by so much."""
    weight = torch.randn(3, 96, generator=seeded(3), dtype=dtype) / 10
    return Affine(weight, torch.tensor([margin, 0.0, 0.0], dtype=dtype))


STEPS = {
    "fgsm": lambda m, x, y: fgsm(m, x, y, eps=0.1),
    "ifgsm": lambda m, x, y: ifgsm(m, x, y, step_size=0.05, steps=2),
    "mifgsm": lambda m, x, y: mifgsm(m, x, y, eps=0.1, steps=2),
    "pgd": lambda m, x, y: pgd(m, x, y, eps=0.1, steps=2),
    "pgd-l2": lambda m, x, y: pgd(m, x, y, eps=0.5, norm="l2", steps=2),
    "fgm-l2": lambda m, x, y: fgsm(m, x, y, eps=0.5, norm="l2"),
    "apgd": lambda m, x, y: apgd(m, x, y, eps=0.1, steps=2),
    "apgd-l2": lambda m, x, y: apgd(m, x, y, eps=0.5, norm="l2", steps=2),
    "flow": lambda m, x, y: flow(m, x, y, gamma=1.0, max_displacement=1.0),
    "flow_step": lambda m, x, y: flow_step(m, x, y, gamma=1.0, max_displacement=1.0),
    "recolor": lambda m, x, y: recolor(m, x, y, strength=0.1),
}


@pytest.mark.parametrize("name", STEPS)
def test_how_far_ahead_the_label_is_changes_no_step(name):
    """All that a bias adds to one logit is the size of the gradient; in float32 it must not vanish on the way."""
    images, labels = pictures(4).float(), torch.zeros(4, dtype=torch.int64)
    first = STEPS[name](ahead(MARGINS[1]), images, labels)
    assert ((first - images).flatten(1).abs().amax(1) > 0.01).all()
    for further in MARGINS[2:]:
        found = STEPS[name](ahead(further), images, labels)
        torch.testing.assert_close(found, first, rtol=0, atol=2e-3)


def test_a_universal_step_does_not_vanish():
    images = pictures(4).float()
    for further in (20.0, 50.0, 80.0):
        v = universal_sgd(ahead(further), images, eps=0.1, epochs=1, progress=False)
        assert v.abs().max() == pytest.approx(0.02)


@pytest.mark.parametrize("scale", [1.0, 1e-25])
def test_every_universal_step_weighs_the_same_however_small_its_gradient(scale):
    """A margin that falls gently up to a brightness of 0.505 and rises a thousand times as steeply beyond it."""

    def bend(x):
        mean = x.mean((1, 2, 3))
        z = scale * torch.where(mean < 0.505, 1 - mean, 0.495 + 1000 * (mean - 0.505))
        return torch.stack([z, 0 * z], 1)

    images = torch.full((1, 1, 2, 2), 0.5)
    run = partial(universal_sgd, bend, images, eps=0.05, delta=0.0, progress=False, cap=1e4)
    # velocities 1, -0.1 and 0.91 of equal norm; -999.1 and -898 of the gradients themselves
    for epochs, expected in ((1, 0.01), (2, 0.0), (3, 0.01)):
        torch.testing.assert_close(run(epochs=epochs), torch.full((1, 2, 2), expected), rtol=0, atol=1e-6)


def test_ddn_reaches_a_boundary_that_lies_behind_a_flat_loss():
    """The first step must have its full length, however small the gradient."""
    model = ahead(0.0)
    model.weight.data.mul_(40)
    images, labels = torch.full((2, 2, 8, 6), 0.5), torch.zeros(2, dtype=torch.int64)
    model.bias.data[0] += (model(images)[:, 1:].max() - model(images)[:, 0].min()).item() + 110
    assert cross_entropy(model(images), labels).max() < 1e-44  # and its gradient is zero
    assert (model(ddn(model, images, labels, steps=60)).argmax(1) != 0).all()


@pytest.mark.parametrize("size", [1e-44, 1e-40, 1e-30, 1.0, 1e30])
def test_by_largest_keeps_the_direction_of_tiny_and_huge_values(size):
    values = torch.tensor([[1.0, -0.5], [0.0, 0.0]]).view(2, 1, 1, 2) * size
    scaled = by_largest(values)
    torch.testing.assert_close(scaled[0].flatten(), torch.tensor([1.0, -0.5]), rtol=0.2, atol=0)
    assert torch.equal(scaled[1], torch.zeros(1, 1, 2))
    assert norms(by_largest(scaled), "linf").tolist() == [1, 0]


def test_the_losses_have_their_names():
    assert set(LOSSES) == {"ce", "dlr", "margin", "nll"} and LOSSES["ce"] is cross_entropy


def test_the_ratios_of_logits_are_the_papers():
    logits, labels = draw()
    targets = (labels + 1 + torch.arange(40) % 6) % 7
    for z, y, t, found, aimed in zip(
        logits, labels, targets, dlr(logits, labels), targeted_dlr(logits, labels, targets), strict=True
    ):
        ranked = sorted(z.tolist(), reverse=True)
        other = max(value for k, value in enumerate(z.tolist()) if k != y)
        assert found.item() == pytest.approx(-(z[y].item() - other) / (ranked[0] - ranked[2]))
        ratio = (z[y] - z[t]).item() / (ranked[0] - (ranked[2] + ranked[3]) / 2)
        assert aimed.item() == pytest.approx(-ratio)
    assert torch.equal(rising(dlr, logits, labels, targets), targeted_dlr(logits, labels, targets))


@pytest.mark.parametrize("scale", [1e-30, 1e-6, 1e6, 1e30])
def test_ratios_of_logits_know_neither_scale_nor_shift(scale):
    logits, labels = draw()
    for loss in (dlr, lambda z, y: targeted_dlr(z, y, (y + 1) % 7)):
        torch.testing.assert_close(loss(logits * scale, labels), loss(logits, labels))
        torch.testing.assert_close(loss(logits + 100, labels), loss(logits, labels))


TIES = [[1.0, 1.0, 1.0, 1.0, 1.0], [3.0, 3.0, 3.0, 3.0, 1.0], [3.0, 3.0, 3.0, 2.0, 1.0], [1.0, 2.0, 2.0, 0.0, 0.0]]


@pytest.mark.parametrize("scale", [1e-20, 1.0, 1e20])
@pytest.mark.parametrize("label", range(5))
def test_ratios_of_logits_are_finite_where_these_tie(label, scale):
    logits, labels = torch.tensor(TIES).mul_(scale).requires_grad_(), torch.full((4,), label)
    plain = torch.tensor(TIES)
    for loss in (dlr, lambda z, y: targeted_dlr(z, y, (y + 2) % 5)):
        value = loss(logits, labels)
        (slope,) = torch.autograd.grad(value.sum(), logits)
        assert value.isfinite().all() and slope.isfinite().all() and (slope != 0).any(1).all()
        torch.testing.assert_close(value.detach(), loss(plain, labels))


def test_with_too_few_classes_the_ratio_is_the_margin():
    logits, labels = draw()
    two, three = logits[:, :2], logits[:, :3]
    assert torch.equal(dlr(two, labels % 2), margin(two, labels % 2))
    y, t = labels % 3, (labels + 1) % 3
    assert torch.equal(targeted_dlr(three, y, t), -margin(three, t))
    assert not torch.equal(dlr(three, y), margin(three, y))


def test_margin_is_positive_exactly_where_misclassified():
    logits = torch.tensor([[-3.0, -1.0, -2.0], [-3.0, -1.0, -2.0]])
    assert margin(logits, torch.tensor([1, 2])).tolist() == [-1.0, 1.0]


def test_a_gradient_is_each_images_own():
    """Not that of the batch's mean, which shrinks as the batch grows."""
    model, images, _ = scene(5)
    labels = torch.tensor([0, 1, 2, 3, 0])
    x = images.requires_grad_()
    together = input_gradient(cross_entropy(model(x), labels), x)
    alone = [input_gradient(cross_entropy(model(x[[i]]), labels[[i]]), x)[i] for i in range(5)]
    torch.testing.assert_close(together, torch.stack(alone), rtol=0, atol=1e-12)
