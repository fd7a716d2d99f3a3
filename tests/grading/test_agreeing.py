"""A function beside a right one: what passes, and what is said of the others."""

import pytest
import torch

from advcourse.grading import agreeing
from tests.support.refusals import says
from tests.support.scenes import normal

CALLS = [(normal(3, 4), 2.0), (normal(2, 5).float(), -1)]


def twice(x, by):
    return by * x


def overwriting(x, by):
    result = by * x
    x += 1
    return result


def test_right_functions_pass():
    agreeing.gives(twice, twice, CALLS, "twice")
    agreeing.gives(lambda x, by: x * (by + 1e-11), twice, CALLS, "twice")
    agreeing.gives(lambda x: [x + 1, -x], lambda x: (x + 1, -x), [(normal(2),)], "both")
    agreeing.gives(lambda n: torch.arange(n), lambda n: torch.arange(n), [(0,), (3,)], "counting")
    agreeing.gives(lambda x: x.clamp(0, 1), lambda x: x.clamp(0, 1), [(normal(9),)], "clamped", box=True)


@pytest.mark.parametrize(
    "function, pattern",
    [
        (lambda x, by: None, "returned None"),
        (lambda x, by: (by * x)[:1], r"returned shape \(1, 4\); expected \(3, 4\)"),
        (lambda x, by: (by * x).double(), r"twice\(float32 \(2, 5\), -1\) returned torch.float64"),
        (lambda x, by: 1.001 * by * x, r"twice\(float64 \(3, 4\), 2\) gives .* at \(\d, \d\), expected"),
        (lambda x, by: by * x.clone().requires_grad_(), "still requires a gradient"),
        (lambda x, by: x.mul_(by), "the memory of what it was given"),
        (overwriting, "overwrote its input"),
        (lambda x, by: (by * x, x.requires_grad_())[0], "left requires_grad set on the caller's tensor"),
    ],
)
def test_what_is_said(function, pattern):
    with says(pattern):
        agreeing.gives(function, twice, [(x.clone(), by) for x, by in CALLS], "twice")


def test_what_is_said_of_tuples_and_boxes():
    with says("should return 2 tensors"):
        agreeing.gives(lambda x: x + 1, lambda x: (x + 1, -x), [(normal(2),)], "both")
    with says(r"leaves \[0, 1\]"):
        agreeing.gives(lambda x: 2 * x, lambda x: 2 * x, [(torch.ones(1),)], "doubled", box=True)
