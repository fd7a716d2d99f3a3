"""PGD against closed forms, recorded iterates and counted passes."""

from functools import partial

import pytest
import torch
from torch import Tensor, nn

from advcourse.attacks import apgd, fgsm, pgd
from advcourse.core.balls import uniform
from advcourse.core.losses import cross_entropy, margin
from advcourse.core.running import count_passes
from tests.support.affine import D, affine, scattered
from tests.support.recorders import Recorder
from tests.support.refusals import refused
from tests.support.scenes import gradient, scene, seeded
from tests.support.toys import Ripples, Shifted, pictures, smooth_cnn


def test_linf_reaches_the_worst_loss_of_two_classes():
    model, images = affine(2), scattered(4, spread=0.98)
    labels = torch.tensor([0, 1, 0, 1])
    difference = model.weight[1 - labels] - model.weight[labels]
    worst = (images.flatten(1) + 0.07 * difference.sign()).clamp(0, 1).view_as(images)
    torch.testing.assert_close(pgd(model, images, labels, eps=0.07, steps=7), worst, rtol=0, atol=1e-12)


def test_l2_reaches_the_worst_loss_of_two_classes():
    model, images, labels = affine(2), scattered(4), torch.tensor([0, 1, 0, 1])
    difference = (model.weight[1 - labels] - model.weight[labels]).detach()
    worst = images + (0.1 * difference / difference.norm(dim=1, keepdim=True)).view_as(images)
    torch.testing.assert_close(pgd(model, images, labels, eps=0.1, steps=3, norm="l2"), worst, rtol=0, atol=1e-12)


def test_l1_fills_the_largest_coordinates_as_far_as_the_box_goes():
    model, labels = affine(2), torch.tensor([0, 1, 0, 1])
    images, eps = scattered(4, spread=0.9), 1.3
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


def needed(slope: Tensor, image: Tensor, gap: float) -> float:
    """The least l1 length that raises a linear loss by ``gap`` in the box: best coordinate first, until it is full."""
    total = 0.0
    for column in slope.abs().argsort(descending=True):
        room = (1 - image[column] if slope[column] > 0 else image[column]).item()
        move = min(room, gap / slope[column].abs().item())
        total, gap = total + move, gap - move * slope[column].abs().item()
        if gap <= 0:
            return total
    raise AssertionError("the box holds no such point")


@pytest.mark.parametrize("spread", [0.9, 1.0, 1.6, 3.0])  # within the box, filling it, half or two thirds at its ends
@pytest.mark.parametrize("steps", [10, 40])
def test_l1_spends_its_budget_where_the_box_cuts_the_steps(spread, steps):
    for seed in range(12):
        model = affine(2, seed, size=245)
        draw = torch.rand(1, 5, 7, 7, generator=seeded(seed), dtype=torch.float64)
        image = (0.5 + spread * (draw - 0.5)).clamp(0, 1)
        label = model(image).argmax(1)
        slope = (model.weight[1 - label] - model.weight[label])[0].detach()
        model.bias.data[label] += 30  # as far from the boundary as takes many pixels
        least = needed(slope, image.flatten(), -margin(model(image), label).item())
        assert least > 5
        result = pgd(model, image, label, eps=1.25 * least, steps=steps, norm="l1")
        assert model(result).argmax(1) != label, seed


@pytest.mark.parametrize("loss", ["ce", "margin"])
def test_targeted_pgd_maximises_the_true_loss_minus_the_targets(loss):
    """On an affine model loss(true) - loss(target) has the gradient w_t - w_y of a margin of two classes,
    whatever the third class; -loss(target) alone has another sign somewhere."""
    model, images = affine(5, 3), scattered(4)
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
        slope = gradient(lambda x: margin(model(x), labels) - margin(model(x), targets), images)
        once = pgd(model, images, labels, eps=0.05, steps=1, step_size=0.05, loss=loss, targets=targets)
        torch.testing.assert_close(once, images + 0.05 * slope.sign(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("loss", ["ce", "margin"])
def test_logits_scaled_up_hide_nothing(loss):
    """The cross-entropy itself is zero in float32 at all these images, and so is its gradient."""
    model = Shifted(smooth_cnn(dtype=torch.float32), scale=1e4)
    images = pictures(8, dtype=torch.float32)
    labels = model(images).argmax(1)
    assert (torch.nn.functional.cross_entropy(model(images), labels, reduction="none") == 0).sum() >= 6
    moved = pgd(model, images, labels, eps=0.2, steps=10, loss=loss)
    assert (model(moved).argmax(1) != labels).sum() >= 5


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
    model, images = affine(2), scattered(6)
    labels = model(images).argmax(1)

    def upside_down(logits, labels):
        return cross_entropy(logits, labels) - 100 * (logits.argmax(1) != labels)

    result = pgd(model, images, labels, eps=0.3, steps=5, loss=upside_down)
    assert (model(result).argmax(1) != labels).all()


@pytest.mark.parametrize("steps", [1, 3, 9, 10, 11])
def test_few_steps_have_a_step_size(steps):
    model, images, labels = affine(2), scattered(4), torch.tensor([0, 1, 1, 0])
    result = pgd(model, images, labels, eps=0.05, steps=steps)
    assert (result - images).abs().max().item() == pytest.approx(0.05)


def restarted(eps: float, restarts: int = 6) -> tuple[Tensor, list[Tensor], nn.Module, Tensor, Tensor]:
    """The result, all iterates as the model saw them, the model, images and labels."""
    model, images = Recorder(smooth_cnn()), pictures(8)
    labels = model.model(images).argmax(1)
    settings = {"eps": eps, "steps": 2, "step_size": 0.2 * eps, "random_start": True}
    result = pgd(model, images, labels, restarts=restarts, generator=seeded(5), **settings)
    return result, model.seen, model.model, images, labels


def test_restarts_keep_the_best_of_all():
    result, seen, model, _, labels = restarted(0.001)
    assert [len(x) for x in seen] == 6 * 3 * [8]  # nothing is fooled: every restart is of all
    losses = torch.stack([cross_entropy(model(x), labels) for x in seen])
    best = losses.argmax(0)
    assert len((best // 3).unique()) > 1  # the best restart is not the same for all, nor the last for all
    assert torch.equal(result, torch.stack(seen)[best, torch.arange(8)])


def test_restarts_work_on_what_is_not_yet_fooled():
    eps, restarts = 0.03, 6
    result, seen, model, images, labels = restarted(eps, restarts)
    sizes = [len(x) for x in seen]
    assert sizes[:3] == [8, 8, 8] and sizes == sorted(sizes, reverse=True) and 0 < sizes[-1] < 8
    draws, generator = [], seeded(5)  # every restart draws for all, so that none depends on how the others fared
    for _ in range(restarts):
        draws.append((images + uniform(images, eps, "linf", generator)).clamp(0, 1))
    rows, best = torch.arange(8), torch.full((8, 2), -torch.inf, dtype=torch.float64)
    expected = images.clone()
    for restart in range(restarts):
        if not len(rows):
            break
        torch.testing.assert_close(seen[3 * restart], draws[restart][rows], rtol=0, atol=1e-12)
        for x in seen[3 * restart : 3 * restart + 3]:
            loss, fooled = cross_entropy(model(x), labels[rows]), model(x).argmax(1) != labels[rows]
            for row, at, value, hit in zip(rows.tolist(), x, loss, fooled, strict=True):
                if (hit.item(), value.item()) > tuple(best[row].tolist()):
                    best[row], expected[row] = torch.stack([hit.double(), value.detach()]), at
        rows = rows[best[rows, 0] != 1]
    assert torch.equal(result, expected)


def test_restarts_end_where_all_are_fooled():
    model, images, labels = scene(5)
    with count_passes(model) as passes:
        pgd(model, images, labels, eps=0.5, steps=3, restarts=50, random_start=True, generator=seeded(0))
    assert (passes.forwards, passes.backwards) == (5 * 4, 5 * 3)


def test_restarts_of_one_and_the_same_start_are_refused():
    model, images = smooth_cnn(), pictures(2)
    with pytest.raises(ValueError, match="restarts is 3, expected 1 without random_start"):
        pgd(model, images, torch.tensor([0, 1]), eps=0.1, restarts=3)


@pytest.mark.parametrize(("steps", "restarts"), [(1, 1), (7, 1), (4, 3)])
def test_pgd_costs_steps_forward_and_backward_and_one_forward(steps, restarts):
    model, images, labels = scene(5)
    with count_passes(model) as passes:
        pgd(model, images, labels, eps=1e-4, steps=steps, restarts=restarts, random_start=True)
    assert (passes.forwards, passes.backwards) == (5 * (steps + 1) * restarts, 5 * steps * restarts)


def test_success_grows_with_eps_and_steps():
    model, images, labels = scene(40)

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

    images = scattered(2)
    result = pgd(Root(), images, torch.tensor([0, 0]), eps=0.1, steps=2, norm=norm)
    assert result.isfinite().all()
    assert torch.equal(result[:, 0, 0, 0], images[:, 0, 0, 0])
    assert (result != images).flatten(1).sum(1).min() == (1 if norm == "l1" else D - 1)


@pytest.mark.parametrize("attack", [partial(pgd, eps=0.1, steps=2), partial(apgd, eps=0.1, steps=2)])
def test_what_a_loss_of_ones_own_returns_is_checked(attack):
    model, images, labels = scene(2)
    per_image = partial(torch.nn.functional.cross_entropy, reduction="none")
    attack(model, images, labels, loss=per_image)
    for loss, said in (
        (lambda z, y: per_image(z.detach(), y), "values without a graph to the logits, expected differentiable ones"),
        (lambda z, y: per_image(z, y).mean(), r"\(\), expected one value per image, \(2,\)"),
        (lambda z, y: z.argmax(1), "torch.int64, expected floating point"),
        (lambda z, y: 1.0, "float, expected one value per image"),
    ):
        with refused(f"loss returned {said}"):
            attack(model, images, labels, loss=loss)
