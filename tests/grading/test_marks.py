"""The last line of a test cell as partial credit: a number from 0 to the points of the cell, and nothing else."""

import json

import nbformat
import pytest
from nbformat.v4 import new_output
from nbgrader.utils import determine_grade

from advcourse.grading import marks, sandbox, trial
from tests.grading.small import NAME, cell, find

needs_sandbox = pytest.mark.skipif(
    sandbox.unavailable() is not None, reason=f"no sandbox here: {sandbox.unavailable()}"
)
POINTS = 3


def given(*outputs, **about):
    flags = {"grade": True, "locked": True, "points": POINTS} | about
    made = nbformat.from_dict(cell("test_x", "", **flags))
    made.outputs = list(outputs)
    return made


def result(text, **more):
    return new_output("execute_result", data={"text/plain": text, **more}, execution_count=1)


@pytest.mark.parametrize(("value", "points"), [(0, 0.0), (1.5, 1.5), (3, 3.0), (1e-9, 1e-9)])
def test_a_number_is_the_points(value, points):
    made = given(*marks.partial_credit(given(), value))
    made.outputs = marks.escaped(made)
    assert determine_grade(made) == (points, POINTS)


@pytest.mark.parametrize("value", [None, True, False, "2", "nan", 1j, [2], object()])
def test_anything_else_is_none(value):
    assert marks.partial_credit(given(), value) == []


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.1, 3.001, 10**400])
def test_a_number_that_no_cell_gives_is_an_error(value):
    with pytest.raises(ValueError, match="the test gives .* points, expected 0 to 3"):
        marks.partial_credit(given(), value)


@pytest.mark.parametrize(
    "output",
    [result("nan"), result("inf"), result("-1"), result("4"), result("all"), result("1", **{"text/html": "1"})],
)
def test_no_other_result_reaches_nbgrader(output):
    made = given(output)
    (kept,) = made.outputs = marks.escaped(made)
    assert kept.output_type == "display_data" and "text/html" not in kept.data
    assert determine_grade(made) == (POINTS, POINTS)


def test_a_result_of_a_cell_that_is_no_test_is_shown():
    made = given(result("1"), solution=True, grade=False, locked=False)
    assert [each.output_type for each in marks.escaped(made)] == ["display_data"]


@pytest.mark.parametrize(
    ("source", "values"),
    [
        ("x = 2\nx", [2]),
        ("x = 2\nx;", []),
        ("x = 2", []),
        ("", []),
        ("def f():\n    return 1\n\n\n(f()\n + 1)  # two", [2]),
        ("if True:\n    3", []),
    ],
)
def test_the_last_line_is_evaluated_apart(source, values):
    space = {}
    body, *last = trial.compiled(source)
    exec(body, space)
    assert [eval(each, space) for each in last] == values


class Silent:
    """The end of a conversation that nobody has."""

    lost = None

    def over(self, *, everything=False):
        pass


@pytest.mark.parametrize(
    ("source", "points"),
    [
        ("print('a word')\n2.5", 2.5),
        ("2.5\nprint('a word')", POINTS),
        ("assert 1\n1 == 1", POINTS),
        ("assert 0\n3", 0),
        ("-1.0", 0),
        ("float('nan')", 0),
        ("4", 0),
        ("1 / 0", 0),
    ],
)
def test_a_test_gives_it(source, points):
    stage = trial.Stage(Silent(), [], [])
    stage.is_old = False
    made = given()
    made.outputs = stage.test(source, made)
    made.outputs = marks.escaped(made)
    assert determine_grade(made) == (points, POINTS)


@needs_sandbox
def test_a_graded_submission_gets_a_part(small):
    """One of two: the answer is right at 0 alone."""
    source = small.root / "solutions" / NAME / f"{NAME}.ipynb"
    before = source.read_text()
    master = json.loads(before)
    find(master, "test_negative")["source"] = "sum(double(n) == 2 * n for n in (0, -1)) / 2"
    try:
        source.write_text(json.dumps(master))
        assert small.api.generate_assignment(NAME, force=True, create=True)["success"]
        graded = small.grade("half", small.answered(double="def double(x):\n    return 3 * x"))
        assert graded.points == {"test_double": 0.0, "test_negative": 0.5}
    finally:
        source.write_text(before)
        assert small.api.generate_assignment(NAME, force=True, create=True)["success"]
