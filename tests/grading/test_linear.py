"""What the checks of a linear map and of its transpose say, and that right maps pass, in either precision."""

import pytest
import torch

from advcourse.grading import linear
from tests.support.refusals import says
from tests.support.scenes import normal

MOVES = torch.tensor([[0, 0], [1, 0], [2, -1], [0, 3]])
WEIGHTS = torch.tensor([0.4, 0.3, 0.2, 0.05], dtype=torch.float64)
IMAGES = normal(2, 3, 5, 6, seed=1).double()


def applied(images, moves, weights, border="replicated", transposed=False):
    table = linear.matrix(*images.shape[2:], moves, weights, border).to(images)
    return (images.flatten(2) @ (table if transposed else table.T)).view(images.shape)


def shake(images, moves, weights):
    return applied(images, moves, weights)


def shake_transpose(gradients, moves, weights):
    return applied(gradients, moves, weights, transposed=True)


def shake_gradient(gradient_at, images, moves, weights):
    return shake_transpose(gradient_at(shake(images, moves, weights)), moves, weights)


def named(name, function):
    function.__name__ = name
    return function


def test_the_matrix_is_the_map_of_the_text():
    table = linear.matrix(1, 3, torch.tensor([[0, 0], [0, -1]]), torch.tensor([0.75, 0.25]))
    assert table.tolist() == [[1, 0, 0], [0.25, 0.75, 0], [0, 0.25, 0.75]]
    x = IMAGES[:1, :1]
    by_hand = torch.zeros(5, 6, dtype=torch.float64)
    for i in range(5):
        for j in range(6):
            for (r, c), w in zip(MOVES.tolist(), WEIGHTS.tolist(), strict=True):
                by_hand[i, j] += w * x[0, 0, min(max(i + r, 0), 4), min(max(j + c, 0), 5)]
    torch.testing.assert_close(shake(x, MOVES, WEIGHTS)[0, 0], by_hand)
    black, rolled = (linear.matrix(5, 6, MOVES, WEIGHTS, border) for border in ("black", "wrapped"))
    assert black.sum() < rolled.sum() and rolled.sum(0).allclose(WEIGHTS.sum().expand(30))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_right_maps_pass(dtype):
    images, weights = IMAGES.to(dtype), WEIGHTS.to(dtype)
    there = linear.shakes(shake, images, MOVES, weights)
    back = linear.transposes(shake_transpose, images, MOVES, weights)
    linear.product(there, back, images, images, "shake_transpose")
    linear.pulls(shake_gradient, images, MOVES, weights, lambda p: p.square())


@pytest.mark.parametrize(
    "function, pattern",
    [
        (lambda x, m, w: x.clone(), "come back as they were"),
        (lambda x, m, w: applied(x, -m, w), "copies move the other way"),
        (lambda x, m, w: applied(x, m.flip(1), w), "rows and columns are exchanged"),
        (lambda x, m, w: applied(x, m * torch.tensor([-1, 1]), w), "the rows move the other way"),
        (lambda x, m, w: applied(x, m * torch.tensor([1, -1]), w), "the columns move the other way"),
        (lambda x, m, w: applied(x, m, torch.ones_like(w)), "without their weights"),
        (lambda x, m, w: applied(x, m, w, "black"), "beyond the border black is read"),
        (lambda x, m, w: applied(x, m, w, "wrapped"), "comes in on the other"),
        (lambda x, m, w: applied(x, m, w.flip(0)), "moves in reverse"),
        (lambda x, m, w: applied(x, m, w / w.sum()), "divided by their sum"),
        (lambda x, m, w: applied(x, m, w) + 1, r"at \(image, channel, row, column\)"),
        (lambda x, m, w: x, "the caller's own tensor"),
        (lambda x, m, w: x.mul_(2).clone(), "overwrote its input"),
        (lambda x, m, w: applied(x, m, w.mul_(2)), "overwrote moves or weights"),
        (lambda x, m, w: applied(x, m, w).float(), "keep their dtype"),
    ],
)
def test_what_is_said_of_a_map(function, pattern):
    with says(pattern):
        linear.shakes(named("shake", function), IMAGES, MOVES, WEIGHTS)


@pytest.mark.parametrize(
    "function, pattern",
    [
        (shake, "that is A itself"),
        (lambda v, m, w: applied(v, -m, w), "right inside only"),
        (lambda v, m, w: applied(v, m.flip(1), w, transposed=True), "rows and columns are exchanged"),
        (lambda v, m, w: applied(v, m, torch.ones_like(w), transposed=True), "the weights are left out"),
        (lambda v, m, w: applied(v, m, w, "black", True), "not given back to it"),
        (lambda v, m, w: applied(v, m, w, "wrapped", True), "given back on the other side"),
        (
            lambda v, m, w: torch.autograd.grad(shake(x := torch.zeros_like(v).requires_grad_(), m, w), x, v)[0],
            "asks for automatic differentiation",
        ),
    ],
)
def test_what_is_said_of_a_transpose(function, pattern):
    with says(pattern):
        linear.transposes(named("shake_transpose", function), IMAGES, MOVES, WEIGHTS)


def test_what_is_said_of_inner_products():
    with says("should be equal for all x and v"):
        linear.product(IMAGES, 2 * IMAGES, IMAGES, IMAGES, "shake_transpose")


@pytest.mark.parametrize(
    "function, pattern",
    [
        (lambda at, x, m, w: shake_transpose(x, m, w), "did not call gradient_at"),
        (lambda at, x, m, w: shake_transpose(at(x), m, w), "taken at x, expected at A x"),
        (lambda at, x, m, w: shake_transpose(at(2 * x), m, w), "other images than A x"),
        (lambda at, x, m, w: at(shake(x, m, w)), "bring it back"),
        (lambda at, x, m, w: shake(at(shake(x, m, w)), m, w), "expected through Aᵀ"),
        (lambda at, x, m, w: shake_transpose(at(shake(x, m, w)), m.flip(1), w), "of the moves are exchanged"),
        (lambda at, x, m, w: shake_transpose(at(shake(x, m, w)), -m, w), "moves are turned round"),
    ],
)
def test_what_is_said_of_a_gradient(function, pattern):
    with says(pattern):
        linear.pulls(named("shake_gradient", function), IMAGES, MOVES, WEIGHTS, lambda p: p.square())
