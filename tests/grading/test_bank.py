"""Every submission of the bank loses exactly the points it states; nbgrader itself gives a sample the same.

Two classes, so that two workers share the bank.
"""

import pytest

from advcourse.grading import needs
from tests.grading import bank, forked

BANK = [(name, submission) for name in bank.assignments() for submission in bank.submissions(name)]
SAMPLE = [next((a, s) for a, s in BANK if a == name and s.expected) for name in bank.assignments()]


def named(pair):
    return f"{pair[0]}-{pair[1].name}"


def points(pair):
    assignment, submission = pair
    return bank.full_marks(assignment) | submission.expected


class TestOneHalf:
    @pytest.mark.parametrize("pair", BANK[::2], ids=named)
    def test_points(self, pair):
        assert forked.grade(pair[0], pair[1].answers) == points(pair), pair[1].about


class TestOtherHalf:
    @pytest.mark.parametrize("pair", BANK[1::2], ids=named)
    def test_points(self, pair):
        assert forked.grade(pair[0], pair[1].answers) == points(pair), pair[1].about


@pytest.mark.parametrize("pair", SAMPLE, ids=named)
def test_nbgrader_gives_the_same(course, pair):
    assignment, submission = pair
    graded = course.autograde(assignment, submission.name, bank.answered(assignment, submission.answers))
    assert graded.points == points(pair) == forked.grade(assignment, submission.answers)
    assert graded.waiting == bank.manual_cells(assignment)
    assert course.failed(assignment, submission.name) == list(submission.expected)  # curves and figures are drawn


@pytest.mark.parametrize("assignment", bank.assignments())
def test_master_and_stub_without_nbgrader(assignment):
    full = bank.full_marks(assignment)
    assert forked.grade(assignment) == full
    stubs = {cell["id"]: "".join(cell["source"]) for cell in bank.released(assignment)["cells"]}
    answers = {cell.name: stubs[cell.name] for cell in forked.code_cells(assignment, {}) if cell.answer}
    assert forked.grade(assignment, answers) == dict.fromkeys(full, 0)


def cell(name, source, graded=True):
    return forked.Cell(name, source, 1.0 if graded else None, False)


def test_what_costs_a_cell_its_points():
    endings = {
        "passes": "assert True",
        "fails": "assert False",
        "raises": "1 / 0",
        "leaves": "import sys; sys.exit(1)",
        "is no Python": "x = ",
        "complains": "import sys; print('a word', file=sys.stderr)",
        "complains below": "import os; os.write(2, b'bytes')",
        "prints": "print('a word')",
    }
    given = forked.run([cell(*ending) for ending in endings.items()], 30)
    assert {name for name, value in given.items() if value} == {"passes", "prints"}


def test_what_ends_the_process_is_an_error_and_no_zero():
    with pytest.raises(RuntimeError, match="cell b has ended its process"):
        forked.run([cell("a", "x = 1"), cell("b", "import os; os._exit(0)")], 30)
    with pytest.raises(RuntimeError, match="cell b has not returned in 1 s"):
        forked.run([cell("a", "x = 1"), cell("b", "while True:\n    pass")], 1)


def test_forks_know_nothing_of_each_other():
    assert forked.run([cell("a", "shared = 1\nimport torch\ntorch.planted = 1")], 30) == {"a": 1.0}
    assert forked.run([cell("a", "shared"), cell("b", "import torch\ntorch.planted")], 30) == {"a": 0.0, "b": 0.0}


def test_dependencies_are_followed_through_cells_and_functions():
    assert needs.names_of("import numpy as np\ndef f(x):\n    return np.sum(g(x)) + y") == ({"np", "f"}, {"g", "y"})
    assert needs.names_of("%matplotlib inline\nz = x[0]") == ({"z"}, {"x", "get_ipython"})
    for assignment in bank.assignments():
        chosen, cells = forked.needed(assignment), forked.code_cells(assignment, {})
        assert "setup" in chosen and len(chosen) < len(cells)


PLANTED = {
    "setup": ("import math\nside = 2.0", None, False),
    "area": ("def area(side):\n    return side**2", None, True),
    "volume": ("def volume(side):\n    return area(side) * side", None, True),
    "angle": ("def angle(x):\n    return math.atan(x)", None, True),
    "test_area": ("assert area(side) == 4", 1.0, False),
    "between": ("cube = volume(side)", None, False),
    "test_volume": ("assert cube == 8", 2.0, False),
    "test_angle": ("assert angle(0.0) == 0", 3.0, False),
}


@pytest.mark.parametrize(
    ("answers", "ran", "lost"),
    [
        ({"area": "def area(side):\n    return 4.0"}, {"setup", "area", "volume", "between"}, {}),
        ({"area": "def area(side):\n    return 4"}, {"setup", "area", "volume", "between"}, {}),
        (
            {"area": "def area(side):\n    return side"},
            {"setup", "area", "volume", "between"},
            {"area": 1, "volume": 2},
        ),
        ({"volume": "def volume(side):\n    return side"}, {"setup", "volume", "between"}, {"volume": 2}),
        ({"volume": "cube = 1\nside = 3"}, {"setup", "area", "volume", "between"}, {"area": 1, "volume": 2}),
        ({"angle": "def angle(x):\n    return area(x)"}, {"area", "angle"}, {}),
        ({"angle": "def arc(x):\n    return x"}, {"angle"}, {"angle": 3}),
    ],
)
def test_what_runs_is_what_depends_on_the_answers_and_what_that_needs(monkeypatch, answers, ran, lost):
    def cells(assignment, answers):
        return [forked.Cell(n, answers.get(n, source), *rest) for n, (source, *rest) in PLANTED.items()]

    monkeypatch.setattr(forked, "code_cells", cells)
    tests = {name for name in PLANTED if name.startswith("test_")}
    chosen = forked.needed("planted", answers)
    assert chosen - tests == ran and chosen & tests >= {f"test_{name}" for name in lost}
    full = {name: PLANTED[name][1] for name in tests}
    assert forked.grade("planted", answers) == full | {f"test_{name}": 0.0 for name in lost}
    assert forked.grade("planted") == full and forked.needed("planted") == set(PLANTED)


@pytest.mark.parametrize("assignment", bank.assignments())
def test_the_bank_is_large_enough(assignment):
    found = bank.submissions(assignment)
    assert sum(s.name.startswith("wrong_") for s in found) >= 10
    assert sum(s.name.startswith("right_") for s in found) >= 4


@pytest.mark.parametrize("pair", BANK, ids=named)
def test_a_file_says_what_it_is(pair):
    assignment, submission = pair
    full = bank.full_marks(assignment)
    assert submission.about and submission.answers
    assert submission.name.split("_")[0] == ("wrong" if submission.expected else "right")
    for name, given in submission.expected.items():
        assert given < full[name], f"{name}: {given} is not less than full marks"
