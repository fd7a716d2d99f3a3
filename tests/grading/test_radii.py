"""What the checks of balls with a radius for each image say, and that right functions pass."""

import pytest
import torch
import torch.nn.functional as F

from advcourse.grading import drawn, radii, toys
from tests.support.refusals import says

X, POINTS = drawn.images_of((3, 2, 4, 3), 1), 3 * drawn.images_of((3, 2, 4, 3), 2) - 1
EPS, LABELS = torch.tensor([0.2, 0.7, 0.0], dtype=torch.float64), drawn.labels_of(3)


def wide(v):
    return v.view(-1, 1, 1, 1)


def balls(length=lambda d: d.flatten(1).norm(dim=1), radius=lambda e: e, box=lambda x: x.clamp(0, 1)):
    def nearest(points, images, eps):
        delta, e = points - images, radius(eps)
        return box(images + delta * wide((e / length(delta).clamp_min(1e-30)).clamp(max=1)))

    return nearest


def climbs(step=lambda g, a: a * F.normalize(g.flatten(1), eps=1e-30).view_as(g), near=None):
    near = near or balls()

    def ascend(model, images, labels, eps, share, steps, start=None):
        x = near(images if start is None else start, images, eps)
        for _ in range(steps):
            x = x.detach().requires_grad_()
            g = torch.autograd.grad(F.cross_entropy(model(x), labels, reduction="sum"), x)[0]
            x = near(x.detach() + step(g, wide(share * eps)), images, eps)
        return x.detach()

    return ascend


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_right_functions_pass(dtype):
    x, points, eps = (each.to(dtype) for each in (X, POINTS, EPS))
    radii.nears(balls(), points, x, eps)
    for start in (None, points):
        radii.ascends(climbs(), drawn.Slopes(24, seed=1, dtype=dtype), x, LABELS, eps, 0.4, 3, start)


def test_two_pixels_by_hand():
    x, q = (torch.tensor(v, dtype=torch.float64).view(1, 1, 1, 2) for v in ([0.2, 0.5], [0.5, 0.9]))
    for eps, right in ((0.25, [0.35, 0.7]), (0.6, [0.5, 0.9]), (0.0, [0.2, 0.5])):
        found = radii._nearest(q, x, torch.tensor([eps], dtype=torch.float64))
        torch.testing.assert_close(found.flatten(), torch.tensor(right, dtype=torch.float64))
    line, start = toys.Affine([[0.0, 0.0], [3.0, 4.0]]), torch.full((1, 1, 1, 2), 0.3, dtype=torch.float64)
    for steps, right in ((1, [0.36, 0.38]), (2, [0.42, 0.46]), (3, [0.42, 0.46])):
        eps = torch.tensor([0.2], dtype=torch.float64)
        found = radii._ascent(line, start, torch.tensor([0]), eps, share=0.5, steps=steps, begin=start)
        torch.testing.assert_close(found.flatten(), torch.tensor(right, dtype=torch.float64))


@pytest.mark.parametrize(
    "changed, pattern",
    [
        ({"radius": lambda e: e.max().expand(3)}, r"image 2 has length .* but its eps is 0.000: did you project image"),
        ({"radius": lambda e: e.min().expand(3)}, "one radius for the batch .the smallest"),
        ({"length": lambda d: d.norm().expand(3)}, "one length for the whole batch"),
        ({"length": lambda d: d.flatten(1).norm(p=1, dim=1)}, "‖δ‖₁"),
        ({"box": lambda x: x}, "did you clamp the result"),
        ({"box": lambda x: x.float()}, "keep their dtype"),
    ],
)
def test_what_is_said_of_a_ball(changed, pattern):
    with says(pattern):
        radii.nears(balls(**changed), POINTS, X, EPS)


@pytest.mark.parametrize(
    "changed, pattern",
    [
        ({"step": lambda g, a: -a * F.normalize(g.flatten(1)).view_as(g)}, "against the gradient"),
        ({"step": lambda g, a: a * g.sign()}, "gradient's sign"),
        ({"step": lambda g, a: a * g}, "not divided by its length"),
        ({"step": lambda g, a: a * g / g.norm()}, "divided by one length"),
        ({"near": lambda p, x, e: p}, "did you project image by image"),
    ],
)
def test_what_is_said_of_an_ascent(changed, pattern):
    eps = torch.tensor([0.2, 0.7, 0.4], dtype=torch.float64)
    with says(pattern):
        radii.ascends(climbs(**changed), drawn.Slopes(24, seed=1), X, LABELS, eps, 0.4, 3)


def test_an_image_without_a_gradient_stays():
    x = X.clone()
    x[:, 0, 0, 0] = torch.tensor([0, 0.9, 0.8])
    model, eps = drawn.Slopes(24, dead=True), torch.tensor([0.3, 0.3, 0.3], dtype=torch.float64)
    assert drawn.own_gradients(model, x, LABELS).flatten(1).norm(dim=1).eq(0).tolist() == [True, False, False]
    radii.ascends(climbs(), model, x, LABELS, eps, 0.4, 2)
    with says("values that are not finite"):
        radii.ascends(climbs(lambda g, a: a * g / wide(g.flatten(1).norm(dim=1))), model, x, LABELS, eps, 0.4, 2)
    with says("has a gradient of zero"):
        radii.ascends(
            climbs(lambda g, a: a * F.normalize(g.flatten(1) + 1e-9).view_as(g)), model, x, LABELS, eps, 0.4, 2
        )
