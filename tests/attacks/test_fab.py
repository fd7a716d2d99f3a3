"""FAB against exact distances on affine models, a random search, and counted passes."""

import pytest
import torch

from advcourse.attacks import fab
from advcourse.core.balls import NORMS, norms
from advcourse.core.running import count_passes
from tests.support.affine import affine, exact_distance, scattered
from tests.support.scenes import scene, seeded
from tests.support.toys import Affine, Ripples, Shifted


def fooled(model, images, labels):
    return model(images).argmax(1) != labels


def greedy(model, images, labels):
    """The exact l1 distance of an affine model inside the box: pixels of the largest weights move first."""
    found = []
    for x, label in zip(images.flatten(1), labels, strict=True):
        lengths = [torch.inf]
        for k in set(range(len(model.weight))) - {int(label)}:
            w = model.weight[k] - model.weight[label]
            missing, total = -(model.bias[k] - model.bias[label] + w @ x).item(), 0.0
            for i in w.abs().argsort(descending=True).tolist():
                room = (1 - x[i] if w[i] > 0 else x[i]).item()
                step = min(room, missing / w[i].abs().item())
                missing, total = missing - step * w[i].abs().item(), total + step
                if missing <= 1e-12:
                    break
            if missing <= 1e-12:
                lengths.append(total)
        found.append(min(lengths))
    return torch.tensor(found, dtype=torch.float64)


def exact(model, images, labels, norm):
    return greedy(model, images, labels) if norm == "l1" else exact_distance(model, images, labels, norm)


# -- exact distances


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize(
    ("classes", "spread", "settings"),
    [
        (2, 0.2, {}),
        (5, 0.2, {}),
        (5, 0.2, {"target_classes": 4}),
        (2, 1.8, {}),
        (5, 1.8, {"target_classes": 4}),
    ],
)
def test_the_exact_distance_of_an_affine_model_in_the_middle_and_at_the_edge_of_the_box(
    norm, classes, spread, settings
):
    model, images = affine(classes), scattered(24, spread)
    labels = model(images).argmax(1)
    result = fab(model, images, labels, norm=norm, steps=20, **settings)
    ratio = norms(result - images, norm) / exact(model, images, labels, norm)
    assert fooled(model, result, labels).all()
    assert ratio.min() >= 1 - 1e-9 and ratio.max() <= 1.01


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("scale", [1e-25, 1e-38])
def test_the_scale_of_the_logits_does_not_matter_in_single_precision(norm, scale):
    model, images = affine(5).float(), scattered().float()
    labels = model(images).argmax(1)
    expected, found = (fab(Shifted(model, scale=factor), images, labels, norm=norm, steps=5) for factor in (1.0, scale))
    assert (expected != images).flatten(1).any(1).all()
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("norm", NORMS)
def test_targets_are_reached_at_the_exact_distance_of_two_classes(norm):
    """Others stand far behind; the nearest boundary is not the target's."""
    model, images = affine(3), scattered(12)
    order = model(images).argsort(1, descending=True)
    labels, targets = order[:, 0], order[:, 2]
    result = fab(model, images, labels, targets=targets, norm=norm, steps=40)
    assert (model(result).argmax(1) == targets).all()
    lengths, free = norms(result - images, norm), exact(model, images, labels, norm)
    assert (lengths >= free * (1 - 1e-9)).all() and (lengths > 1.1 * free).any()
    for i in range(12):
        pair = Affine(model.weight.data[torch.stack([labels[i], targets[i]])])
        least = exact(pair, images[[i]], torch.tensor([0]), norm).item()
        straight = fab(pair, images[[i]], torch.tensor([0]), norm=norm, steps=40)
        if model(straight).argmax(1) == targets[i]:  # no third class on the way
            assert lengths[i].item() <= 1.01 * least


@pytest.mark.parametrize("norm", NORMS)
def test_a_target_behind_a_third_class_is_reached(norm):
    """On the boundary between label and target a third class is ahead."""
    weight = torch.tensor([[0.0, 0, 0, 0], [0, 4, 0, 0], [3, 3, 0, 0]], dtype=torch.float64)
    model = Affine(weight, torch.tensor([1.0, 0, -1.0], dtype=torch.float64))
    images = torch.zeros(1, 1, 2, 2, dtype=torch.float64)
    assert model(torch.tensor([0.15, 0.55, 0, 0], dtype=torch.float64)[None]).argmax() == 1
    result = fab(model, images, torch.tensor([0]), targets=torch.tensor([2]), norm=norm, steps=30)
    assert model(result).argmax() == 2


@pytest.mark.parametrize("norm", NORMS)
def test_it_is_closer_than_a_random_search_of_as_many_passes(norm):
    model, images, labels = scene(12)
    result = fab(model, images, labels, norm=norm, steps=20)
    assert fooled(model, result, labels).all()
    distance, generator = norms(result - images, norm), seeded(3)
    for _ in range(400):
        direction = torch.randn(images.shape, generator=generator, dtype=torch.float64)
        direction = direction.sign() if norm == "linf" else direction
        step = direction * (0.99 * distance / norms(direction, norm))[:, None, None, None]
        assert not fooled(model, (images + step).clamp(0, 1), labels).any()


def test_fab_t_is_the_closest_of_runs_towards_each_class_and_counts_any_misclassification():
    model, images, labels = scene(10)
    one, three = (fab(model, images, labels, steps=10, norm="l2", target_classes=count) for count in (1, 3))
    assert (norms(three - images, "l2") <= norms(one - images, "l2") + 1e-9).all()
    second = model(images).argsort(1, descending=True)[:, 1]
    aimed = fab(model, images, labels, steps=10, norm="l2", targets=second)
    both = fooled(model, one, labels) & fooled(model, aimed, labels)
    assert both.sum() >= 5
    assert (norms(one - images, "l2")[both] <= norms(aimed - images, "l2")[both] * 1.01).all()


# -- the iteration


def test_the_iterates_are_the_papers_on_an_affine_model():
    """Two classes in l2, far from the box: the projections in closed form, step by step."""
    model, image = affine(2), scattered(1, 0.1)
    label = model(image).argmax(1)
    w = (model.weight[1 - label] - model.weight[label])[0].detach()
    bias = (model.bias[1 - label] - model.bias[label])[0].detach()
    seen, x = [], image.flatten()
    fab(lambda x: (seen.append(x.detach().flatten()), model(x))[1], image, label, norm="l2", steps=4)

    def projected(point):
        return point - (w @ point + bias) / (w @ w) * w

    for step in range(4):
        torch.testing.assert_close(seen[1 + 2 * step], x, rtol=0, atol=1e-12)
        near, far = (torch.linalg.vector_norm(projected(each) - each) for each in (x, image.flatten()))
        alpha = min((near / (near + far)).item(), 0.1)
        ahead, biased = (each + 1.05 * (projected(each) - each) for each in (x, image.flatten()))
        x = (1 - alpha) * ahead + alpha * biased
        torch.testing.assert_close(seen[2 + 2 * step], x, rtol=0, atol=1e-12)
        if w @ x + bias > 0:
            x = image.flatten() + 0.9 * (x - image.flatten())


def test_more_steps_only_come_closer():
    model, images, labels = scene(20)
    few, many = (norms(fab(model, images, labels, norm="l1", steps=steps) - images, "l1") for steps in (2, 12))
    assert (few > 0).all() and (many <= few + 1e-9).all() and (many < 0.999 * few).any()


def test_restarts_find_a_nearer_boundary_that_cannot_be_seen_from_the_image_and_start_within_eps():
    """The margin is the larger of two planes: at the image the one whose boundary is twice as far."""

    def model(x):
        x = x.flatten(1) - 0.5
        return torch.stack([0 * x[:, 0], torch.maximum(x[:, 0] - 0.4, 4 * x[:, 1] - 0.8)], 1)

    images, labels = torch.full((8, 1, 1, 2), 0.5, dtype=torch.float64), torch.zeros(8, dtype=torch.int64)
    for norm in NORMS:
        once, again = (fab(model, images, labels, norm=norm, steps=15, restarts=n, eps=0.5) for n in (1, 6))
        before, after = norms(once - images, norm), norms(again - images, norm)
        assert (before - 0.4).abs().max() <= 0.004 and (after <= before + 1e-9).all()
        assert (after <= 0.21).sum() >= 4 and after.min() >= 0.2
    model, images, labels = scene(1)
    for norm in NORMS:
        seen = []
        fab(
            lambda x, seen=seen: (seen.append(x.detach().clone()), model(x))[1],
            *(images[:1], labels[:1]),
            norm=norm,
            steps=1,
            restarts=3,
            eps=1e-3,
        )
        for start in (seen[3], seen[5]):
            assert 2e-4 <= norms(start - images[:1], norm).item() <= 5e-4 * (1 + 1e-6)  # the box may cut it
        assert not torch.equal(seen[3], seen[5])


def test_the_last_search_shortens_the_way_and_keeps_it_adversarial():
    """Steps overshoot by half: only the search brings the ratio near one."""
    model, images = affine(2), scattered()
    labels = model(images).argmax(1)
    result = fab(model, images, labels, steps=1, eta=1.5, norm="l2")
    ratio = norms(result - images, "l2") / exact_distance(model, images, labels, "l2")
    assert fooled(model, result, labels).all() and ratio.min() >= 1 and ratio.max() <= 1.001


def test_margins_that_ripple_still_end_on_an_adversarial_image():
    model = Ripples()
    images = torch.linspace(0.3, 0.7, 9, dtype=torch.float64)[:, None, None, None].expand(9, 1, 2, 2).contiguous()
    labels = torch.zeros(9, dtype=torch.int64)
    result = fab(model, images, labels, steps=20)
    assert result.isfinite().all()
    moved = (result != images).flatten(1).any(1)
    assert fooled(model, result, labels)[moved].all()


# -- cost and refusals


@pytest.mark.parametrize(
    ("settings", "runs", "planes"),
    [
        ({}, 1, 3),
        ({"candidates": 2}, 1, 1),
        ({"target_classes": 2}, 2, 1),
        ({"restarts": 2, "eps": 0.5}, 2, 3),
    ],
)
def test_what_an_image_costs(settings, runs, planes):
    model, images, labels = scene(5)
    wrong = labels.clone()
    wrong[0] = (labels[0] + 1) % 4
    with count_passes(model) as passes:
        result = fab(model, images, wrong, steps=7, **settings)
    found = fooled(model, result, labels).sum().item()
    assert passes.forwards == 5 + 4 * 2 * 7 * runs + 4 * found
    assert passes.backwards == 4 * 7 * runs * planes
    assert torch.equal(result[0], images[0])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"candidates": 5}, "candidates is 5, expected at most 4"),
        ({"target_classes": 4}, "target_classes is 4, expected at most 3"),
        ({"candidates": 2, "target_classes": 2}, "candidates is 2, expected None beside target_classes"),
        ({"candidates": 2, "targets": True}, "candidates is 2, expected None beside targets"),
        ({"target_classes": 2, "targets": True}, "target_classes is 2, expected None beside targets"),
        ({"restarts": 2}, "eps is None, expected a radius"),
    ],
)
def test_what_contradicts_itself_or_the_model_is_refused(settings, message):
    model, images, labels = scene()
    if "targets" in settings:
        settings = settings | {"targets": (labels + 1) % 4}
    with pytest.raises(ValueError, match=message):
        fab(model, images, labels, **settings)
