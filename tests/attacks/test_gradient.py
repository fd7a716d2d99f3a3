"""FGSM, I-FGSM and PGD against closed forms, recorded iterates and counted passes."""

import pytest
import torch
from torch import nn

from advcourse.attacks import fgsm, ifgsm, pgd
from advcourse.core.losses import cross_entropy, input_gradient, margin
from advcourse.core.running import count_passes
from tests.support.toys import Affine, Shifted, pictures, smooth_cnn

D = 12


def centred(n=4, spread=0.2):
    """Images whose pixels stay away from the ends of the box."""
    draw = torch.rand(n, 1, 3, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    return 0.5 + spread * (draw - 0.5)


def weights(classes, seed=0):
    return torch.randn(classes, D, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


class Recorder(nn.Module):
    """Remembers every image a model was run on."""

    def __init__(self, model):
        super().__init__()
        self.model, self.seen = model, []

    def forward(self, x):
        self.seen.append(x.detach().clone())
        return self.model(x)


class Ripples(nn.Module):
    """Two classes whose margin ripples along the mean of the image, so that steps overshoot."""

    def forward(self, x):
        mean = x.mean((1, 2, 3))
        return torch.stack([1.5 + torch.sin(60 * mean) + mean, torch.zeros_like(mean)], 1)


# -- closed forms on affine models


@pytest.mark.parametrize("attack", [lambda *a: fgsm(*a, eps=0.07), lambda *a: pgd(*a, eps=0.07, steps=7)])
def test_linf_reaches_the_worst_loss_of_two_classes(attack):
    model, images = Affine(weights(2)), centred(spread=0.98)
    labels = torch.tensor([0, 1, 0, 1])
    difference = model.weight[1 - labels] - model.weight[labels]
    worst = (images.flatten(1) + 0.07 * difference.sign()).clamp(0, 1).view_as(images)
    torch.testing.assert_close(attack(model, images, labels), worst, rtol=0, atol=1e-12)


def test_l2_reaches_the_worst_loss_of_two_classes():
    model, images, labels = Affine(weights(2)), centred(), torch.tensor([0, 1, 0, 1])
    difference = (model.weight[1 - labels] - model.weight[labels]).detach()
    worst = images + (0.1 * difference / difference.norm(dim=1, keepdim=True)).view_as(images)
    torch.testing.assert_close(pgd(model, images, labels, eps=0.1, steps=3, norm="l2"), worst, rtol=0, atol=1e-12)


def test_l1_fills_the_largest_coordinates_as_far_as_the_box_goes():
    model, labels = Affine(weights(2)), torch.tensor([0, 1, 0, 1])
    images, eps = centred(spread=0.9), 1.3
    difference = (model.weight[1 - labels] - model.weight[labels]).detach()
    expected = torch.zeros(4, D, dtype=torch.float64)
    for row, slope in enumerate(difference):  # the fractional knapsack: best coordinate first, until it is full
        left = eps
        for column in slope.abs().argsort(descending=True):
            pixel = images.flatten(1)[row, column]
            move = min(left, (1 - pixel if slope[column] > 0 else pixel).item())
            expected[row, column] = move * slope[column].sign()
            left -= move
    result = pgd(model, images, labels, eps=eps, steps=400, step_size=0.05, norm="l1")
    torch.testing.assert_close((result - images).flatten(1), expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("loss", ["ce", "margin"])
def test_targeted_pgd_maximises_the_true_loss_minus_the_targets(loss):
    """On an affine model loss(true) - loss(target) has the gradient w_t - w_y of a margin of two classes,
    whatever the third class; -loss(target) alone has another sign somewhere."""
    model, images = Affine(weights(5, seed=3)), centred()
    labels, targets = torch.tensor([0, 1, 2, 3]), torch.tensor([4, 0, 3, 1])
    if loss == "ce":
        expected = (model.weight[targets] - model.weight[labels]).sign().view_as(images)
        result = pgd(model, images, labels, eps=0.05, steps=2, loss=loss, targets=targets)
        stays = model(result).argmax(1)
        assert torch.equal(((result - images) / 0.05).round(), expected) or (stays == targets).any()
        once = pgd(model, images, labels, eps=0.05, steps=1, step_size=0.05, loss=loss, targets=targets)
        torch.testing.assert_close(once, images + 0.05 * expected, rtol=0, atol=1e-12)
        other = (once - fgsm(model, images, labels, eps=0.05, targets=targets)).abs().amax((1, 2, 3))
        assert other.max() > 0.05
    else:
        x = images.clone().requires_grad_()
        objective = margin(model(x), labels) - margin(model(x), targets)
        (gradient,) = torch.autograd.grad(objective.sum(), x)
        once = pgd(model, images, labels, eps=0.05, steps=1, step_size=0.05, loss=loss, targets=targets)
        torch.testing.assert_close(once, images + 0.05 * gradient.sign(), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "attack",
    [
        lambda model, x, y, t: fgsm(model, x, y, eps=0.03, targets=t),
        lambda model, x, y, t: ifgsm(model, x, y, step_size=0.03, steps=1, targets=t),
    ],
)
def test_targeted_fgsm_descends_the_targets_loss(attack):
    model, images = Affine(weights(5, seed=3)), centred()
    labels, targets = model(images).argsort(1, descending=True)[:, [0, 2]].T
    x = images.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(cross_entropy(model(x), targets).sum(), x)
    torch.testing.assert_close(attack(model, images, labels, targets), images - 0.03 * gradient.sign())


def test_margin_is_positive_exactly_where_misclassified():
    logits = torch.tensor([[-3.0, -1.0, -2.0], [-3.0, -1.0, -2.0]])
    assert margin(logits, torch.tensor([1, 2])).tolist() == [-1.0, 1.0]


# -- FGSM and the scale of the logits


@pytest.mark.parametrize("scale", [1e-20, 0.1, 5.0])
def test_fgsm_does_not_depend_on_the_scale_of_two_classes(scale):
    model, images, labels = Affine(weights(2)), centred(), torch.tensor([0, 1, 1, 0])
    assert torch.equal(fgsm(Shifted(model, scale=scale), images, labels, eps=0.1), fgsm(model, images, labels, eps=0.1))


def test_the_margin_moves_where_the_cross_entropy_is_saturated():
    model = Shifted(smooth_cnn(dtype=torch.float32), scale=1e4)
    images = pictures(8, dtype=torch.float32)
    labels = model(images).argmax(1)
    stuck = pgd(model, images, labels, eps=0.2, steps=10)
    moved = pgd(model, images, labels, eps=0.2, steps=10, loss="margin")
    assert (stuck == images).all((1, 2, 3)).sum() >= 6
    assert (model(moved).argmax(1) != labels).sum() >= 5


# -- I-FGSM stops image by image


def test_ifgsm_stops_at_the_first_step_that_fools():
    """On two classes every step lowers the margin by step_size * |w_0 - w_1|_1 while the box is not met."""
    model, images = Affine(weights(2)), centred(8)
    labels = model(images).argmax(1)
    slope = (model.weight[0] - model.weight[1]).detach()
    clean = -margin(model(images), labels)
    needed = (clean / (0.004 * slope.abs().sum())).floor() + 1
    assert len(needed.unique()) >= 3
    result = ifgsm(model, images, labels, step_size=0.004, steps=100)
    torch.testing.assert_close((result - images).abs().amax((1, 2, 3)), 0.004 * needed.detach())
    assert (model(result).argmax(1) != labels).all()


def test_ifgsm_pays_only_for_images_still_worked_on():
    model, images = Affine(weights(2)), centred(8)
    labels = model(images).argmax(1)
    with count_passes(model) as together:
        result = ifgsm(model, images, labels, step_size=0.004, steps=100)
    steps = ((result - images).abs().amax((1, 2, 3)) / 0.004).round()
    assert together.forwards == (steps + 1).sum()
    assert steps.sum() <= together.backwards <= (steps + 1).sum() - 1
    for i in range(8):  # one image: the pass that finds it fooled needs no gradient
        with count_passes(model) as alone:
            ifgsm(model, images[[i]], labels[[i]], step_size=0.004, steps=100)
        assert (alone.forwards, alone.backwards) == (steps[i] + 1, steps[i])


def test_ifgsm_returns_the_iterate_of_highest_loss_where_none_fools():
    model = Recorder(Ripples())
    images, labels = torch.full((1, 1, 3, 4), 0.44, dtype=torch.float64), torch.tensor([0])
    result = ifgsm(model, images, labels, step_size=0.02, steps=9)
    losses = torch.stack([cross_entropy(model.model(x), labels)[0] for x in model.seen])
    assert len(model.seen) == 10 and 0 < losses.argmax() < 9
    torch.testing.assert_close(result, model.seen[losses.argmax()], rtol=0, atol=1e-12)


def test_ifgsm_without_a_ball_may_leave_it():
    model, images = Shifted(Affine(weights(2)), shift=0.0), centred(4)
    labels = model(images).argmax(1)
    free = ifgsm(model, images, labels, step_size=0.01, steps=100)
    held = ifgsm(model, images, labels, step_size=0.01, steps=100, eps=0.005)
    assert (free - images).abs().max() > 0.01
    assert (held - images).abs().max() <= 0.005 + 1e-12


# -- PGD returns the strongest iterate


def test_pgd_tests_every_iterate_and_the_last():
    for steps in range(1, 12):
        model = Recorder(Ripples())
        images, labels = torch.full((1, 1, 3, 4), 0.44, dtype=torch.float64), torch.tensor([0])
        result = pgd(model, images, labels, eps=0.2, steps=steps, step_size=0.017)
        losses = torch.stack([cross_entropy(model.model(x), labels)[0] for x in model.seen])
        assert len(model.seen) == steps + 1
        torch.testing.assert_close(result, model.seen[losses.argmax()], rtol=0, atol=1e-12)


def test_a_fooled_iterate_beats_one_of_higher_loss():
    """With a loss that prefers the clean image, what is fooled must still win."""
    model, images = Affine(weights(2)), centred(6)
    labels = model(images).argmax(1)

    def upside_down(logits, labels):
        return cross_entropy(logits, labels) - 100 * (logits.argmax(1) != labels)

    result = pgd(model, images, labels, eps=0.3, steps=5, loss=upside_down)
    assert (model(result).argmax(1) != labels).all()


@pytest.mark.parametrize("steps", [1, 3, 9, 10, 11])
def test_few_steps_have_a_step_size(steps):
    model, images, labels = Affine(weights(2)), centred(), torch.tensor([0, 1, 1, 0])
    result = pgd(model, images, labels, eps=0.05, steps=steps)
    assert (result - images).abs().max().item() == pytest.approx(0.05)


def test_restarts_keep_the_best_of_all():
    model = Recorder(smooth_cnn())
    images = pictures(8)
    labels = model.model(images).argmax(1)
    settings = {"eps": 0.02, "steps": 2, "step_size": 0.004, "random_start": True}
    result = pgd(model, images, labels, restarts=6, generator=torch.Generator().manual_seed(5), **settings)
    assert len(model.seen) == 6 * 3
    seen = torch.stack(model.seen)
    losses = torch.stack([cross_entropy(model.model(x), labels) for x in model.seen])
    fooled = torch.stack([model.model(x).argmax(1) != labels for x in model.seen])
    best = (losses + 1e6 * fooled).argmax(0)
    assert len((best // 3).unique()) > 1  # the best restart is not the same for all, nor the last for all
    assert torch.equal(result, seen[best, torch.arange(8)])


def test_restarts_of_one_and_the_same_start_are_refused():
    model, images = smooth_cnn(), pictures(2)
    with pytest.raises(ValueError, match="restarts is 3, expected 1 without random_start"):
        pgd(model, images, torch.tensor([0, 1]), eps=0.1, restarts=3)


@pytest.mark.parametrize(("steps", "restarts"), [(1, 1), (7, 1), (4, 3)])
def test_pgd_costs_steps_forward_and_backward_and_one_forward(steps, restarts):
    model, images = smooth_cnn(), pictures(5)
    labels = model(images).argmax(1)
    with count_passes(model) as passes:
        pgd(model, images, labels, eps=0.1, steps=steps, restarts=restarts, random_start=True)
    assert (passes.forwards, passes.backwards) == (5 * (steps + 1) * restarts, 5 * steps * restarts)


def test_fgsm_costs_one_forward_and_one_backward():
    model, images = smooth_cnn(), pictures(5)
    with count_passes(model) as passes:
        fgsm(model, images, model(images).argmax(1), eps=0.1)
    assert (passes.forwards, passes.backwards) == (10, 5)  # the labels took five of the forward passes


def test_success_grows_with_eps_and_steps():
    model, images = smooth_cnn(), pictures(40)
    labels = model(images).argmax(1)

    def success(**settings):
        return (model(pgd(model, images, labels, **settings)).argmax(1) != labels).sum().item()

    by_eps = [success(eps=eps, steps=10) for eps in (0, 0.01, 0.02, 0.05, 0.1, 0.3)]
    by_steps = [success(eps=0.05, steps=steps, step_size=0.01) for steps in (1, 2, 4, 8)]
    assert by_eps == sorted(by_eps) and by_eps[0] == 0 and by_eps[-1] == 40
    assert by_steps == sorted(by_steps) and by_steps[0] < by_steps[-1]


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_a_nan_gradient_moves_nothing(norm):
    class Root(nn.Module):
        def forward(self, x):
            first = x[:, 0, 0, 0]
            return torch.stack([torch.sqrt(first * 0) + x.mean((1, 2, 3)), torch.zeros_like(first)], 1)

    images = centred(2)
    result = pgd(Root(), images, torch.tensor([0, 0]), eps=0.1, steps=2, norm=norm)
    assert result.isfinite().all()
    assert torch.equal(result[:, 0, 0, 0], images[:, 0, 0, 0])
    assert (result != images).flatten(1).sum(1).min() == (1 if norm == "l1" else D - 1)


def test_a_gradient_is_each_images_own():
    """Not that of the batch's mean, which shrinks as the batch grows."""
    model, images = smooth_cnn(), pictures(5)
    labels = torch.tensor([0, 1, 2, 3, 0])
    x = images.requires_grad_()
    together = input_gradient(cross_entropy(model(x), labels), x)
    alone = [input_gradient(cross_entropy(model(x[[i]]), labels[[i]]), x)[i] for i in range(5)]
    torch.testing.assert_close(together, torch.stack(alone), rtol=0, atol=1e-12)
