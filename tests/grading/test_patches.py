"""What the checks of a patch's step say, and that right functions pass."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from advcourse.grading import drawn, patches, toys
from tests.support.refusals import says

IMAGES, PATCH = drawn.images_of((3, 2, 5, 6), 1), drawn.images_of((1, 2, 2, 3), 2)[0]
MASK = torch.tensor([[True, False, True], [True, True, False]])
CORNERS, TARGETS = torch.tensor([[0, 3], [2, 1], [3, 2]]), torch.tensor([2, 0, 1])
SCENE = IMAGES, PATCH, MASK, CORNERS, TARGETS


def stepping(
    loss=F.cross_entropy,
    rho=lambda g, mask: g[:, mask].square().mean().sqrt(),
    copied=torch.clone,
    shown=lambda mask: mask,
    slope=lambda loss, p: torch.autograd.grad(loss, p)[0],
    end=lambda p, step: (p.detach() - step).clamp(0, 1),
):
    def patch_step(model, images, patch, mask, corners, targets, step_size):
        p = patch.detach().clone().requires_grad_()
        copies, (height, width) = copied(images.detach()), mask.shape
        for i, (row, column) in enumerate(corners.tolist()):
            window = copies[i, :, row : row + height, column : column + width]
            window.copy_(torch.where(shown(mask), p, window))
        g = slope(loss(model(copies), targets), p)
        return end(p, step_size * g / rho(g, mask).clamp(min=1e-30))

    return patch_step


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("training", [True, False])
def test_a_right_function_passes(dtype, training):
    model = nn.Sequential(drawn.Slopes(60, 3, dtype=dtype), drawn.Louder()).train(training)
    images, patch = IMAGES.to(dtype), PATCH.to(dtype)
    for size in (0.0, 0.02, 0.6):
        patches.steps_down(stepping(), model, images, patch, *SCENE[2:], size)
        patches.untraced(stepping(), model, images, patch, *SCENE[2:], size)
    assert model.training == training and all(p.grad is None for p in model.parameters())


def test_three_pixels_by_hand():
    p, g = torch.full((1, 1, 3), 0.5, dtype=torch.float64), torch.tensor([[[3.0, -4, 0]]], dtype=torch.float64)
    found = patches.stepped(p, g, torch.tensor([[True, True, False]]), 0.1)
    torch.testing.assert_close(found.flatten(), 0.5 + torch.tensor([-3.0, 4, 0]).double() * 0.1 / 12.5**0.5)


def test_slopes_are_those_of_differences():
    """Through the whole of it: the loss of each image, with a pixel of the patch a little higher."""
    model, rest = drawn.Slopes(60, 3), (MASK, CORNERS, TARGETS)
    found = patches.patch_slopes(model, IMAGES, PATCH, *rest)

    def losses(patch):
        x = IMAGES.clone()
        for i, (top, left) in enumerate(CORNERS.tolist()):
            x[i, :, top : top + 2, left : left + 3] = MASK * patch + ~MASK * x[i, :, top : top + 2, left : left + 3]
        return F.cross_entropy(model(x), TARGETS, reduction="none").detach()

    for place in ((0, 0, 0), (1, 0, 1), (1, 1, 1), (0, 1, 2)):
        little = torch.zeros_like(PATCH)
        little[place] = 1e-5
        difference = (losses(PATCH + little) - losses(PATCH - little)) / 2e-5
        torch.testing.assert_close(found[(slice(None), *place)], difference, rtol=1e-5, atol=1e-8)
        assert difference.any() == MASK[place[1:]]


@pytest.mark.parametrize(
    "changed, pattern",
    [
        ({"loss": lambda z, t: -F.cross_entropy(z, t)}, "goes up the loss"),
        ({"loss": lambda z, t: F.cross_entropy(z.softmax(1), t)}, "is given probabilities"),
        ({"loss": lambda z, t: F.cross_entropy(z, t[:1].expand_as(t))}, "target of the first"),
        ({"loss": lambda z, t: -z.log_softmax(1)[0, t[0]]}, "only one of the images"),
        ({"rho": lambda g, mask: g.square().mean().sqrt()}, "counts pixels that the mask hides"),
        ({"rho": lambda g, mask: g.norm()}, "Euclidean"),
        ({"rho": lambda g, mask: 3 * g.norm()}, "the direction is right, the length is not"),
        ({"rho": lambda g, mask: torch.ones(())}, "not divided by ρ"),
        ({"rho": lambda g, mask: g[:, mask].square().mean().sqrt() + 1e-8}, "a small constant"),
        ({"shown": lambda mask: ~mask}, "the wrong way round"),
        ({"shown": torch.ones_like}, "the whole rectangle"),
        ({"end": lambda p, step: p.detach() - step}, "Clamp the patch"),
        ({"end": lambda p, step: p.detach() - 0.9 * step}, r"did you clamp the result"),
        ({"end": lambda p, step: (p.detach() - step).clamp(0, 1).mul(0.9)}, "that the mask hides have changed"),
        ({"end": lambda p, step: (p.detach() - step).clamp(0, 1).float()}, "keep their dtype"),
    ],
)
def test_what_is_said_of_a_step(changed, pattern):
    weak = toys.Affine(1e-7 * torch.sin(torch.arange(180, dtype=torch.float64) ** 2).view(3, 60))
    with says(pattern):
        for size in (0.02, 0.6):
            for model in (drawn.Slopes(60, 3, seed=3), weak):
                patches.steps_down(stepping(**changed), model, *SCENE, size)


@pytest.mark.parametrize(
    "changed, pattern",
    [
        ({"copied": lambda images: images}, "overwrote its input"),
        ({"end": lambda p, step: p - step}, "still requires a gradient"),
        ({"slope": lambda loss, p: loss.backward() or p.grad}, "filled .grad of the model's parameters"),
    ],
)
def test_what_is_said_of_traces(changed, pattern):
    with says(pattern):
        patches.untraced(stepping(**changed), drawn.Slopes(60, 3), *SCENE, 0.1)


def test_a_mode_of_its_own_a_cleared_gradient_and_the_own_patch_are_noticed():
    model, right = nn.Sequential(drawn.Slopes(60, 3), drawn.Louder()), stepping()

    def in_eval(model, *given):
        result = right(model.eval(), *given)
        model.train()
        return result

    def cleared(model, *given):
        result = right(model, *given)
        model.zero_grad()
        return result

    for function, pattern in (
        (in_eval, "between train and eval mode"),
        (cleared, "held a gradient before the call"),
        (lambda model, images, patch, *rest: patch.view_as(patch), "returned the memory"),
    ):
        function.__name__ = "patch_step"
        with says(pattern):
            patches.untraced(function, model, *SCENE, 0.1)


def test_without_a_gradient_the_patch_stays():
    still = toys.Affine(torch.zeros(3, 60))
    patches.steps_down(stepping(), still, *SCENE, 0.1)
    with says("the gradient is zero, so the patch stays"):
        patches.steps_down(stepping(end=lambda p, step: (p.detach() + 0.01).clamp(0, 1)), still, *SCENE, 0.1)
