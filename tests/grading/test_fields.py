"""What the checks of difference matrices and stream functions say, and that the exact answers pass."""

import pytest
import torch

from advcourse.grading import fields
from tests.support.refusals import says
from tests.support.scenes import normal


def line(n):
    eye = torch.eye(n + 1, dtype=torch.float64)
    return eye[:, :n] - eye[:, 1:]


def matrices(rows, columns, along=line):
    one = torch.eye
    return torch.kron(one(rows).double(), along(columns)), torch.kron(along(rows), one(columns).double())


@pytest.mark.parametrize("rows, columns", [(2, 3), (1, 3), (4, 1), (3, 3), (1, 1)])
def test_right_matrices_pass(rows, columns):
    fields.differences(matrices(rows, columns), rows, columns)


def free(n):
    return line(n) * torch.tensor([0.0, *[1.0] * (n - 1), 0.0]).double()[:, None]


def without_end(n):
    return line(n) * torch.tensor([*[1.0] * n, 0.0]).double()[:, None]


def without_beginning(n):
    return line(n) * torch.tensor([0.0, *[1.0] * n]).double()[:, None]


def ring(n):
    matrix = line(n)
    matrix[0, -1] -= 1
    matrix[-1, 0] += 1
    return matrix


def square(n):
    return line(n)[:n]


def in_columns(rows, columns):
    order = torch.arange(rows * columns).view(rows, columns).T.flatten()
    return [matrix[:, order] for matrix in matrices(rows, columns)]


@pytest.mark.parametrize(
    "given, pattern",
    [
        (None, "should return two matrices"),
        ([matrix.float() for matrix in matrices(2, 3)], "D_x returned torch.float32; expected torch.float64"),
        (matrices(2, 3, square), r"D_x has 6 rows, expected 8: in a row of m corners there are m \+ 1 differences"),
        ([matrix.T for matrix in matrices(2, 3)], r"D_x is \(6, 8\), expected \(8, 6\)"),
        (matrices(2, 3)[::-1], "D_x and D_y are swapped"),
        ([-matrix for matrix in matrices(2, 3)], "D_x: it takes this corner less the next"),
        (matrices(2, 3, free), "D_x: the first and the last difference are zero: the rim counts"),
        (matrices(2, 3, without_end), "D_x: the difference to the rim at the end is zero"),
        (matrices(2, 3, without_beginning), "D_x: the difference to the rim at the beginning is zero"),
        (matrices(2, 3, ring), "D_x: the ends are joined to a ring"),
        (in_columns(2, 3), "D_x: the corners are counted column after column"),
        ([matrix / 2 for matrix in matrices(2, 3)], "D_x: that is half the difference"),
        ([2 * matrix for matrix in matrices(2, 3)], r"D_x\[0, 0\] is 2, expected 1"),
    ],
)
def test_how_matrices_differ(given, pattern):
    with says(pattern):
        fields.differences(given, 2, 3)


def test_the_second_matrix_is_looked_at_too_and_squares_can_be_swapped():
    along_x, along_y = matrices(2, 3)
    with says("D_y: it takes this corner less the next"):
        fields.differences((along_x, -along_y), 2, 3)
    with says("D_x and D_y are swapped"):
        fields.differences(matrices(3, 3)[::-1], 3, 3)


GAMMA, ALPHA = 0.7, 3.0
C = normal(2, 3, 5)
EYE = torch.eye(15, dtype=torch.float64)


def roughness(along=line, x=1, y=1):
    first, second = matrices(3, 5, along)
    return x * first.T @ first + y * second.T @ second


def solved(matrix, scale=ALPHA, c=C):
    """-(scale · matrix)⁻¹ c."""
    return -torch.linalg.solve(scale * matrix, c.flatten(1).T).T.reshape(c.shape)


P = roughness()
EXACT = solved(P + GAMMA * P @ P)


@pytest.mark.parametrize("rows, columns, gamma, alpha", [(3, 5, 0.7, 3.0), (1, 4, 20.0, 0.1), (6, 2, 0, 1.0)])
def test_the_exact_stream_function_passes(rows, columns, gamma, alpha):
    c, (x, y) = normal(2, rows, columns), matrices(rows, columns)
    p = x.T @ x + y.T @ y
    fields.solves(solved(p + gamma * p @ p, alpha, c), c, gamma, alpha, "dense_stream")
    fields.solves(0 * c, 0 * c, gamma, alpha, "dense_stream")


def both(p):
    return solved(p + GAMMA * p @ p)


@pytest.mark.parametrize(
    "stream, pattern",
    [
        (None, "returned None"),
        (EXACT.flatten(1), "returned shape"),
        (-EXACT, "stirs against the direction that raises the loss"),
        (ALPHA * EXACT, "alpha is missing: divide by it"),
        (-ALPHA * EXACT, "alpha is missing, and it stirs against"),
        (ALPHA**2 * EXACT, "it is multiplied by alpha"),
        (solved(ALPHA * P + GAMMA * P @ P, 1), "alpha multiplies gamma P² too"),
        (solved(P + ALPHA * GAMMA * P @ P), "gamma is multiplied by alpha once too often"),
        (solved(P), "nothing is smoothed"),
        (solved(EYE + GAMMA * P), "the lecture's equation"),
        (solved(EYE + GAMMA * P @ P), r"it is P \+ gamma P², not I"),
        (solved(GAMMA * P @ P), "P is missing beside gamma P²"),
        (solved(P + GAMMA * P), "both terms have P alone"),
        (solved(GAMMA * P + P @ P), "gamma multiplies the wrong term"),
        (solved(P + GAMMA * P**2), "not every entry squared"),
        (both(roughness(y=0) + 0 * EYE), "D_yᵀ D_y is missing"),
        (both(roughness(x=0)), "D_xᵀ D_x is missing"),
        (both(roughness(without_end)), "the rim does not count at the end"),
        (both(roughness(without_beginning)), "the rim does not count at the beginning"),
        (EXACT + 0.01, "your ψ leaves up to"),
    ],
)
def test_how_a_stream_function_differs(stream, pattern):
    with says(pattern):
        fields.solves(stream, C, GAMMA, ALPHA, "dense_stream")


@pytest.mark.parametrize("border, pattern", [("free", "the rim does not count; "), ("ring", "joined to the last one")])
def test_borders_where_constants_cost_nothing(border, pattern):
    """There the system has a solution only where c adds up to zero."""
    sides = [closed(n) if border == "ring" else free(n).T @ free(n) for n in (3, 5)]
    p = torch.kron(torch.eye(3).double(), sides[1]) + torch.kron(sides[0], torch.eye(5).double())
    c = C - C.mean((1, 2), keepdim=True)
    psi = -(torch.linalg.pinv(ALPHA * (p + GAMMA * p @ p)) @ c.flatten(1).T).T.reshape(c.shape)
    with says(pattern):
        fields.solves(psi, c, GAMMA, ALPHA, "dense_stream")


def closed(n):
    """2 on the diagonal, -1 beside it and in the two far corners."""
    eye = torch.eye(n, dtype=torch.float64)
    return 2 * eye - eye.roll(1, 0) - eye.roll(-1, 0)


def test_wrong_transforms_give_other_stream_functions_that_are_named():
    others = fields.transformed(C, GAMMA, ALPHA)
    assert len(others) > 5
    for explanation, stream in others.items():
        assert (stream - EXACT).abs().max() > 1e-4
        with says(explanation.replace("(", r"\(").replace(")", r"\)").replace("+", r"\+")):
            fields.solves(stream, C, GAMMA, ALPHA, "fast_stream", others)
