"""What the checks of difference matrices and motion fields say, and that the exact answers pass."""

import pytest
import torch

from advcourse.grading import fields
from tests.structured import dense
from tests.support.refusals import says
from tests.support.scenes import normal


@pytest.mark.parametrize("height, width", [(2, 3), (1, 3), (4, 1), (3, 3)])
def test_the_matrices_of_the_oracle_pass(height, width):
    fields.differences(dense.forward(height, width), height, width)


def each(change):
    return lambda height, width: [change(matrix) for matrix in dense.forward(height, width)]


def in_columns(height, width):
    order = torch.arange(height * width).view(height, width).T.flatten()
    return [matrix[order][:, order] for matrix in dense.forward(height, width)]


def running_on(height, width):
    (along_x, _), (_, along_y) = dense.forward(1, height * width), dense.forward(height, width)
    return along_x, along_y


def counted_by_height(height, width):
    along_x, along_y = torch.zeros(2, height * width, height * width, dtype=torch.float64)
    for i in range(height):
        for j in range(width):
            here = i * height + j
            if j + 1 < width:
                along_x[here, here], along_x[here, here + 1] = -1, 1
            if i + 1 < height:
                along_y[here, here], along_y[here, here + height] = -1, 1
    return along_x, along_y


@pytest.mark.parametrize(
    "matrices, pattern",
    [
        (lambda height, width: None, "should return two matrices"),
        (each(lambda matrix: matrix.float()), "D_x returned torch.float32; expected torch.float64"),
        (each(lambda matrix: matrix[:-1]), r"D_x returned shape \(5, 6\)"),
        (lambda height, width: dense.forward(height, width)[::-1], "D_x and D_y are swapped"),
        (each(lambda matrix: -matrix), "D_x: it takes this pixel less the next"),
        (each(lambda matrix: -matrix.T), "D_x"),
        (lambda height, width: dense.forward(height, width, "periodic"), "goes round to the first pixel"),
        (lambda height, width: dense.forward(height, width, "zero"), "a zero pixel beyond the border"),
        (dense.central, "D_x: that is the central difference"),
        (lambda height, width: dense.forward(width, height), "are H and W swapped"),
        (in_columns, "column after column"),
        (running_on, "D_x: it runs on across the end of a row"),
        (counted_by_height, r"D_x: pixel \(i, j\) is number i W \+ j, not i H \+ j"),
        (each(lambda matrix: 2 * matrix), r"D_x\[0, 0\] is -2, expected -1"),
    ],
)
def test_how_matrices_differ(matrices, pattern):
    with says(pattern):
        fields.differences(matrices(2, 3), 2, 3)


def test_the_second_matrix_is_looked_at_too():
    along_x, along_y = dense.forward(2, 3)
    with says("D_y: it takes this pixel less the next"):
        fields.differences((along_x, -along_y), 2, 3)


def right_hand_side(count=2, height=3, width=5):
    return normal(count, 2, height, width)


def solved(d, matrix, scale=1.0):
    """-(scale · matrix)⁻¹ d."""
    return -torch.linalg.solve(scale * matrix, d.flatten(2).mT).mT.reshape(d.shape)


@pytest.mark.parametrize("height, width, gamma, alpha", [(3, 5, 0.7, 3.0), (1, 4, 20.0, 0.1), (6, 2, 0, 1.0)])
def test_the_exact_field_passes(height, width, gamma, alpha):
    d = right_hand_side(height=height, width=width)
    matrix = torch.eye(height * width).double() + gamma * dense.roughness(height, width)
    fields.solves(solved(d, matrix, alpha), d, gamma, alpha, "dense_field")
    fields.solves(0 * d, 0 * d, gamma, alpha, "dense_field")


GAMMA, ALPHA = 0.7, 3.0
D = right_hand_side()
EYE, P = torch.eye(15, dtype=torch.float64), dense.roughness(3, 5)
D_X, D_Y = dense.forward(3, 5)
CENTRAL = sum(matrix.T @ matrix for matrix in dense.central(3, 5))
EXACT = solved(D, EYE + GAMMA * P, ALPHA)


@pytest.mark.parametrize(
    "field, pattern",
    [
        (None, "returned None"),
        (EXACT.flatten(2), "returned shape"),
        (-EXACT, "moves pixels against the direction that raises the loss"),
        (EXACT.flip(1), "x and y are swapped"),
        (ALPHA * EXACT, "alpha is missing: divide by it"),
        (-ALPHA * EXACT, "alpha is missing, and your field moves"),
        (ALPHA**2 * EXACT, "it is multiplied by alpha"),
        (solved(D, ALPHA * EYE + GAMMA * P), "alpha multiplies gamma P too"),
        (solved(D, EYE + ALPHA * GAMMA * P, ALPHA), "gamma is multiplied by alpha once too often"),
        (-D / ALPHA, "nothing is smoothed"),
        (solved(D, EYE - GAMMA * P, ALPHA), "P has the wrong sign"),
        (solved(D, GAMMA * EYE + P, ALPHA), "gamma multiplies the wrong term"),
        (solved(D, EYE + GAMMA * D_X.T @ D_X, ALPHA), "D_yᵀ D_y is missing"),
        (solved(D, EYE + GAMMA * D_Y.T @ D_Y, ALPHA), "D_xᵀ D_x is missing"),
        (solved(D, EYE + 2 * GAMMA * P, ALPHA), "too large by a factor of 2"),
        (solved(D, EYE + GAMMA * dense.roughness(3, 5, "periodic"), ALPHA), "smoothed with the first one"),
        (solved(D, EYE + GAMMA * dense.roughness(3, 5, "zero"), ALPHA), "the border is smoothed with zeros;"),
        (solved(D, EYE + GAMMA * CENTRAL, ALPHA), "P is made of central differences"),
        (EXACT + 0.01, "the field leaves up to"),
    ],
)
def test_how_a_field_differs(field, pattern):
    with says(pattern):
        fields.solves(field, D, GAMMA, ALPHA, "dense_field")


def test_wrong_transforms_give_other_fields_that_are_named():
    others = fields.transformed(D, GAMMA, ALPHA)
    assert len(others) > 5
    for explanation, field in others.items():
        assert (field - EXACT).abs().max() > 1e-3
        with says(explanation.replace("(", r"\(").replace(")", r"\)").replace("+", r"\+")):
            fields.solves(field, D, GAMMA, ALPHA, "fast_field", others)
