"""Every submission of the bank loses exactly the points it states; nbgrader itself gives a sample the same.

What is lost is explained at home: by a failed check in a line that stands in the student's notebook too. Two classes,
so that two workers share the bank.
"""

import pytest

from advcourse.grading import needs
from tests.grading import bank, forked

BANK = [(name, submission) for name in bank.assignments() for submission in bank.submissions(name)]
SEEN_ONLY_WHEN_GRADED = {
    ("a01_ifgsm", "wrong_clamped_after_the_loop"),
    ("a01_ifgsm", "wrong_gradient_accumulates"),
    ("a01_ifgsm", "wrong_gradient_taken_once"),
    ("a01_ifgsm", "wrong_projected_at_the_end"),
    ("a01_ifgsm", "wrong_targeted_stops_too_early"),
    ("a02_minimal_norm", "wrong_ten_classes_only"),
    ("a03_spatial_eot", "wrong_faulty_misses_one"),
    ("a03_spatial_eot", "wrong_faulty_names_all"),
    ("a03_spatial_eot", "wrong_faulty_names_one_too_many"),
    ("a06_bpda", "wrong_verdict_by_accuracy"),
}

TOLD = {  # to be named by the mistake, not only refused
    "wrong_rows_and_columns_exchanged": "rows and columns are exchanged",
    "wrong_transpose_rows_and_columns_exchanged": "rows and columns are exchanged",
    "wrong_way_back_with_rows_and_columns_exchanged": "rows and columns of the moves are exchanged",
    "wrong_positions_columns_first": "rows and columns are exchanged",
    "wrong_crops_row_and_column_exchanged": "row and column are exchanged",
    "wrong_crops_averaged_twice": "is divided once more",
    "wrong_crops_divided_by_the_images": "divided by the number of images",
    "wrong_columns_shifted_cyclically": "only shifted cyclically",
    "wrong_another_mask_backward": "another mask than the one that `smooth` was given",
    "wrong_mask_of_another_image_backward": "another mask than the one that `smooth` was given",
    "wrong_mask_turned_round_backward": "the mask turned round",
    "wrong_patch_added_to_the_images": "is added to the images",
    "wrong_patch_away_from_the_predictions": "away from the predicted classes",
    "wrong_patch_goes_up": "goes up the loss",
    "wrong_patch_left_in_eval_mode": "train and eval mode",
    "wrong_patch_length_of_hidden_pixels": "pixels that the mask hides",
    "wrong_patch_mask_turned_round": "the wrong way round",
    "wrong_patch_pasted_into_the_images": "overwrote its input",
    "wrong_patch_row_and_column_exchanged": "row and column of a corner are exchanged",
    "wrong_patch_same_corner": "at the same corner",
    "wrong_patch_softmax_twice": "is given probabilities",
    "wrong_patch_step_alone": "that is the step, expected the patch",
}

SAMPLE = [next((a, s) for a, s in BANK if a == name and s.expected) for name in bank.assignments()]


def named(pair):
    return f"{pair[0]}-{pair[1].name}"


def points(pair):
    assignment, submission = pair
    return bank.full_marks(assignment) | submission.expected


def check(pair):
    assignment, submission = pair
    found = forked.outcomes(assignment, submission.answers, whole=not submission.expected)
    assert {name: each.points for name, each in found.items()} == points(pair), submission.about
    lost = [found[name] for name in submission.expected]
    if (assignment, submission.name) in SEEN_ONLY_WHEN_GRADED:
        assert not any(each.at_home for each in lost)
    else:
        assert all(each.at_home and each.kind == "CheckFailed" for each in lost)
        assert all(TOLD.get(submission.name, "") in each.words for each in lost)


class TestOneHalf:
    @pytest.mark.parametrize("pair", BANK[::2], ids=named)
    def test_points(self, pair):
        check(pair)


class TestOtherHalf:
    @pytest.mark.parametrize("pair", BANK[1::2], ids=named)
    def test_points(self, pair):
        check(pair)


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
    assert {name for name, each in given.items() if each.points} == {"passes", "prints"}


def test_what_ends_the_process_is_an_error_and_no_zero():
    with pytest.raises(RuntimeError, match="cell b has ended its process"):
        forked.run([cell("a", "x = 1"), cell("b", "import os; os._exit(0)")], 30)
    with pytest.raises(RuntimeError, match="cell b has not returned in 1 s"):
        forked.run([cell("a", "x = 1"), cell("b", "while True:\n    pass")], 1)


def test_forks_know_nothing_of_each_other():
    assert forked.run([cell("a", "shared = 1\nimport torch\ntorch.planted = 1")], 30) == {"a": forked.Outcome(1.0)}
    later = forked.run([cell("a", "shared"), cell("b", "import torch\ntorch.planted")], 30)
    assert {name: (each.points, each.kind) for name, each in later.items()} == {
        "a": (0.0, "NameError"),
        "b": (0.0, "AttributeError"),
    }


SHOWN_AND_HIDDEN = """def helper(x):
    assert x != 3, "in a helper"

### BEGIN HIDDEN TESTS
def hidden(x):
    assert x != 4, "in a hidden helper"
### END HIDDEN TESTS
@checks.exercise("a test")
def test():
    helper(x)
    if x == 1:
        checks.fail("shown")
    ### BEGIN HIDDEN TESTS
    helper(x + 1)
    hidden(x)
    try:
        checks.fail("swallowed") if x == 5 else None
    except Exception:
        pass
    assert x != 6, "hidden"
    ### END HIDDEN TESTS"""


@pytest.mark.parametrize(
    ("x", "kind", "words", "at_home"),
    [
        (0, "", "", False),
        (1, "CheckFailed", "shown", True),
        (2, "AssertionError", "in a helper", False),
        (3, "AssertionError", "in a helper", True),
        (4, "AssertionError", "in a hidden helper", False),
        (5, "CheckFailed", "swallowed", False),
        (6, "AssertionError", "hidden", False),
    ],
)
def test_whether_a_student_sees_at_home_what_costs_the_points(x, kind, words, at_home):
    setup = cell("a", f"from advcourse.grading import checks\nx = {x}", graded=False)
    (found,) = forked.run([setup, cell("b", SHOWN_AND_HIDDEN)], 60).values()
    assert found == forked.Outcome(float(not kind), kind, words, at_home)


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


def test_a_test_with_right_versions_of_all_that_changed_is_left_out_by_choice(monkeypatch):
    def cells(assignment, answers):
        return [forked.Cell(n, answers.get(n, source), *rest) for n, (source, *rest) in planted.items()]

    right = "checks.if_wrong_before(area=lambda side: side**2)\n"
    planted = PLANTED | {"test_volume": (f"{right}assert volume(side) == 8", 2.0, False)}
    monkeypatch.setattr(forked, "code_cells", cells)
    for changed, left_out in (("area", {"test_volume"}), ("volume", set()), ("angle", set())):
        whole, parts = (
            forked.needed("right versions", {changed: f"def {changed}(x):\n    return 1"}, whole=whole)
            for whole in (True, False)
        )
        assert (whole - parts) & {name for name in planted if name.startswith("test_")} == left_out, changed
    both = {name: f"def {name}(x):\n    return 1" for name in ("area", "volume")}
    assert "test_volume" in forked.needed("right versions", both, whole=False)
    more = {"area": "def area(x):\n    return 1\nside = 3"}  # a name that the test takes too
    assert "test_volume" in forked.needed("right versions", more, whole=False)


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
