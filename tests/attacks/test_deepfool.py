"""DeepFool against exact distances, counted passes, and the mistakes others ship."""

from functools import partial

import pytest
import torch
from torch import nn

from advcourse.attacks import deepfool, super_deepfool, universal_deepfool
from advcourse.attacks._deepfool import gradients
from advcourse.core.balls import norms
from advcourse.core.losses import watching
from advcourse.core.running import count_passes
from tests.support.affine import affine, exact_distance, scattered
from tests.support.recorders import watched
from tests.support.scenes import scene, seeded
from tests.support.toys import Affine, Constant, Shifted, pictures, smooth_cnn


def fooled(model, images, labels):
    return model(images).argmax(1) != labels


# -- exact distances


@pytest.mark.parametrize("norm", ["l2", "linf"])
@pytest.mark.parametrize("classes", [2, 5])
def test_the_exact_distance_of_an_affine_model_and_the_overshoot(norm, classes):
    model, images = affine(classes), scattered()
    labels = model(images).argmax(1)
    result = deepfool(model, images, labels, norm=norm)
    ratio = norms(result - images, norm) / exact_distance(model, images, labels, norm)
    assert fooled(model, result, labels).all()
    assert ratio.min() >= 1 and ratio.max() <= 1.02 * (1 + 1e-6)


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_the_exact_distance_where_the_box_is_in_the_way(norm):
    """Two classes, most pixels at the ends of the box: the steps add up to the box's own nearest point."""
    model, images = affine(2), scattered(24, spread=1.8)
    labels = model(images).argmax(1)
    exact = exact_distance(model, images, labels, norm)
    free = (model(images).amax(1) - model(images).amin(1)) / (model.weight[0] - model.weight[1]).norm()
    assert exact.isfinite().all() and (norm == "linf" or (exact > 1.05 * free).sum() >= 6)
    result = deepfool(model, images, labels, norm=norm)
    ratio = norms(result - images, norm) / exact
    assert fooled(model, result, labels).all()
    assert ratio.min() >= 1 and ratio.max() <= 1.02 * (1 + 1e-6)


def test_the_nearest_class_is_not_the_one_with_the_smallest_gap():
    """Its logit is far behind but its gradient is steep: |f|/|w| decides, not |f|."""
    weight = torch.zeros(3, 12, dtype=torch.float64)
    weight[1, 0], weight[2, 1] = 0.1, 10.0
    model, images = (
        Affine(weight, torch.tensor([1.0, 0.9, -4.2], dtype=torch.float64)),
        torch.zeros(1, 1, 3, 4).double(),
    )
    result = deepfool(model, images, torch.tensor([0]))
    assert model(result).argmax(1) == 2
    assert (result - images).abs().sum().item() == pytest.approx(0.52 * 1.02)


# -- the mistakes others ship


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_it_does_not_stall_at_the_edge_of_the_box(norm):
    """Half of the gradient points out of the box: each step covers half of what is left, and without a little more
    the boundary is approached for ever."""
    weight = torch.zeros(2, 12, dtype=torch.float64)
    weight[1] = 1
    model = Affine(weight, torch.tensor([0.0, -7.2], dtype=torch.float64))
    images = torch.cat([torch.ones(1, 6), torch.zeros(1, 6)], 1).double().view(1, 1, 3, 4)
    labels = torch.tensor([0])
    result = deepfool(model, images, labels, norm=norm, steps=20)
    assert fooled(model, result, labels).all()
    distance = norms(result - images, norm) / exact_distance(model, images, labels, norm)
    assert distance.item() <= 1.02 * (1 + 1e-6)


def test_failure_gives_the_image_back_and_more_steps_only_help():
    model, images, labels = scene(40)
    results = {steps: deepfool(model, images, labels, steps=steps) for steps in (1, 2, 3, 20)}
    success = {steps: fooled(model, result, labels) for steps, result in results.items()}
    assert success[1].sum() < success[3].sum() and success[20].all()
    for few, many in ((1, 2), (2, 3), (3, 20)):
        assert (success[many] | ~success[few]).all()
        assert torch.equal(results[few][success[few]], results[many][success[few]])
        assert torch.equal(results[few][~success[few]], images[~success[few]])


def test_the_strength_for_one_image_does_not_depend_on_the_batch():
    """As a step along the gradient of a mean over the batch would."""
    model, images, labels = scene(16)
    alone = deepfool(model, images[:1], labels[:1], norm="l2")
    torch.testing.assert_close(deepfool(model, images, labels)[:1], alone, rtol=0, atol=1e-9)


ATTACKS = {
    "l2": deepfool,
    "linf": partial(deepfool, norm="linf"),
    "super_deepfool": super_deepfool,
    "universal_deepfool": lambda model, x, y: (
        x + universal_deepfool(model, x, eps=2.0, norm="l2", generator=seeded(), progress=False)
    ),
}


@pytest.mark.parametrize("scale", [1e-25, 1e-38])
@pytest.mark.parametrize("name", ATTACKS)
def test_the_scale_of_the_logits_does_not_matter_in_single_precision(name, scale):
    """The square of a gradient of 1e-25 is zero there, and the boundary infinitely far."""
    model, images = affine(5).float(), scattered().float()
    labels = model(images).argmax(1)
    expected, found = (ATTACKS[name](Shifted(model, scale=factor), images, labels) for factor in (1.0, scale))
    assert (expected != images).flatten(1).any(1).all()
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


# -- labels, candidates


def test_without_labels_the_prediction_is_what_changes():
    model, images, labels = scene(10)
    with count_passes(model) as given:
        expected = deepfool(model, images, labels)
    with count_passes(model) as not_given:
        assert torch.equal(deepfool(model, images), expected)
    assert vars(given) == vars(not_given)


def test_candidates_are_the_classes_of_the_highest_logits():
    model, images, labels = scene(10)
    all_of_them = deepfool(model, images, labels)
    assert torch.equal(deepfool(model, images, labels, candidates=4), all_of_them)
    weight = torch.zeros(3, 12, dtype=torch.float64)
    weight[1, 0], weight[2, 1] = 0.5, 10.0
    linear, dark = Affine(weight, torch.tensor([1.0, 0.9, 0.0], dtype=torch.float64)), torch.zeros(1, 1, 3, 4).double()
    first, nearest = (deepfool(linear, dark, torch.tensor([0]), candidates=count) for count in (2, 3))
    assert linear(first).argmax(1) == 1 and linear(nearest).argmax(1) == 2


def test_more_candidates_than_classes_and_models_of_one_logit_are_refused():
    model, images = smooth_cnn(), pictures(2)
    with pytest.raises(ValueError, match="candidates is 5, expected at most 4"):
        deepfool(model, images, candidates=5)
    with pytest.raises(ValueError, match=r"model returned \(2, 1\), expected logits .* at least 2 classes"):
        deepfool(lambda x: model(x)[:, :1], images)
    with pytest.raises(ValueError, match="images ranges over"):
        deepfool(model, images + 1)
    with pytest.raises(ValueError, match="model has dtype"):
        deepfool(model.float(), images)


# -- cost


def test_towards_targets_the_candidates_do_not_matter():
    model, images, labels = scene()
    targets = (labels + 1) % 4
    assert torch.equal(
        deepfool(model, images, labels, candidates=2, targets=targets), deepfool(model, images, labels, targets=targets)
    )


@pytest.mark.parametrize(("candidates", "rows"), [(None, 3), (2, 1), (3, 2)])
def test_one_image_costs_t_plus_one_forwards_and_a_backward_per_step_and_other_class(candidates, rows):
    model, images = smooth_cnn(), pictures(8)
    labels, taken = model(images).argmax(1), []
    for i in range(8):
        with count_passes(model) as passes:
            deepfool(model, images[[i]], labels[[i]], candidates=candidates)
        taken.append(passes.forwards - 1)
        assert passes.backwards == taken[-1] * rows
    assert len(set(taken)) > 1
    with count_passes(model) as passes:
        deepfool(model, images, labels, candidates=candidates)
    assert passes.forwards == sum(taken) + 8
    assert rows * sum(taken) <= passes.backwards < rows * (sum(taken) + 8)


def test_what_cannot_be_fooled_is_given_up_at_once():
    model = Constant()
    with count_passes(model) as passes:
        deepfool(model, pictures(4), torch.zeros(4, dtype=torch.int64))
    assert passes.forwards == 4


def test_gradients_by_vmap_are_those_of_the_loop():
    model, images = smooth_cnn(), pictures(3).requires_grad_()
    found, passes = [], []
    for batched in (False, True):
        with count_passes(model) as counted:
            found.append(torch.stack(list(gradients(model(images)[:, :3], images, batched))))
        passes.append(vars(counted))
    torch.testing.assert_close(*found, rtol=0, atol=1e-12)
    assert passes[0] == passes[1] == {"forwards": 3, "backwards": 9}
    for batched in (False, True):
        nothing = gradients((images * 0).sum((2, 3)), images, batched)
        assert all((gradient == 0).all() for gradient in nothing)


class Broken(nn.Module):
    """The gradient of the first class is NaN for the first pixel, and all logits are where the image is bright."""

    def forward(self, x):
        first, mean = x[:, 0, 0, 0], x.mean((1, 2, 3))
        logits = torch.stack([torch.sqrt(first * 0) + 0.2 - mean, mean - 0.2], 1)
        return torch.where(mean[:, None] > 0.9, torch.nan, logits)


def test_nan_gradients_and_nan_logits_leave_finite_images():
    images = torch.stack([torch.full((1, 3, 4), value, dtype=torch.float64) for value in (0.1, 0.95)])
    result = deepfool(Broken(), images, torch.tensor([0, 0]))
    assert result.isfinite().all() and torch.equal(result[1], images[1])
    assert Broken()(result)[0].argmax() == 1


# -- targets


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_the_exact_distance_of_the_target_of_two_classes(norm):
    model, images = affine(2), scattered()
    labels = model(images).argmax(1)
    result = deepfool(model, images, labels, norm=norm, targets=1 - labels)
    torch.testing.assert_close(result, deepfool(model, images, labels, norm=norm), rtol=0, atol=1e-12)
    ratio = norms(result - images, norm) / exact_distance(model, images, labels, norm)
    assert (model(result).argmax(1) == 1 - labels).all() and ratio.max() <= 1.02 * (1 + 1e-6)


def test_the_boundary_of_the_target_alone_is_crossed():
    """Three axes: the nearest class is never the target, and a class that leads on the way is left behind."""
    weight = torch.zeros(3, 12, dtype=torch.float64)
    weight[1, 0], weight[2, 1] = 10.0, 1.0
    bias = torch.tensor([0.3, 0.0, 0.0], dtype=torch.float64)
    model, images = Affine(weight, bias), torch.zeros(1, 1, 3, 4, dtype=torch.float64)
    result = deepfool(model, images, torch.tensor([0]), targets=torch.tensor([2]))
    expected = torch.zeros_like(images)
    expected.view(-1)[1] = 0.3 * 1.02
    assert model(result).argmax(1) == 2
    torch.testing.assert_close(result, expected, rtol=0, atol=1e-12)
    bright = images.clone()
    bright.view(-1)[0] = 0.05  # class 1 leads, the label comes second
    result = deepfool(model, bright, torch.tensor([0]), targets=torch.tensor([2]))
    assert model(result).argmax(1) == 2 and result.view(-1)[2:].abs().max() == 0


def test_targets_fool_a_network_and_what_is_there_already_stays():
    model, images, labels = scene(24)
    predicted = labels.clone()
    targets = (predicted + torch.arange(24) % 3 + 1) % 4
    result = deepfool(model, images, predicted, targets=targets)
    hit = model(result).argmax(1) == targets
    assert hit.sum() >= 20 and torch.equal(result[~hit], images[~hit])
    assert torch.equal(deepfool(model, images, targets=targets), result)
    wrong = (predicted + 1) % 4
    assert torch.equal(deepfool(model, images, wrong, targets=predicted), images)
    untargeted = deepfool(model, images, predicted)
    assert (norms(result - images, "l2") > norms(untargeted - images, "l2") * (1 - 1e-9))[hit].float().mean() > 0.9


def test_a_target_costs_one_backward_pass_a_step():
    model, images = smooth_cnn(), pictures(1)
    targets = model(images).argmin(1)
    with count_passes(model) as passes:
        deepfool(model, images, targets=targets)
    assert passes.backwards == passes.forwards - 1 > 0


# -- many classes


def wide(classes):
    weight = torch.randn(classes, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(classes))
    return Affine(weight, torch.linspace(3, 0, classes).double())


@pytest.mark.parametrize(("classes", "considered"), [(50, 50), (51, 10), (200, 10)])
def test_of_many_classes_the_likeliest_ten_are_considered(classes, considered):
    model, images = wide(classes), scattered(3)
    with count_passes(model) as passes:
        result = deepfool(model, images[:1], steps=1)
    assert passes.backwards == considered - 1
    assert torch.equal(deepfool(model, images), deepfool(model, images, candidates=considered))
    with count_passes(model) as passes:
        deepfool(model, images[:1], steps=1, candidates=classes)
    assert passes.backwards == classes - 1 and result.shape == images[:1].shape


@pytest.mark.parametrize(("bound", "sizes"), [(6, [2, 2, 2, 1]), (2, [1] * 7), (1000, [7])])
def test_batched_rows_of_gradient_are_bounded(monkeypatch, bound, sizes):
    model, images = wide(7), scattered(3).requires_grad_()
    monkeypatch.setattr("advcourse.attacks._deepfool.BATCHED", bound)
    calls = watched(monkeypatch, torch.autograd, "grad")
    found = list(gradients(model(images), images, batched=True))
    assert [len(call.given[2]) for call in calls] == sizes
    for k, gradient in enumerate(found):
        torch.testing.assert_close(gradient.flatten(1), model.weight[k].detach().expand(3, -1))


def test_vanishing_gradients_are_seen_in_batched_rows_too():
    images = pictures(3).requires_grad_()
    with watching() as seen:
        list(gradients((images * torch.tensor([0.0, 1, 1]).view(3, 1, 1, 1)).sum((2, 3)), images, batched=True))
    assert [mask.tolist() for mask in seen] == [[True, False, False]]
