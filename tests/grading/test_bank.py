"""Every submission of the bank loses exactly the points it states, graded by nbgrader.

Two classes, so that two workers share the bank.
"""

import pytest

from tests.grading import bank

BANK = [(name, submission) for name in bank.assignments() for submission in bank.submissions(name)]


def named(pair):
    return f"{pair[0]}-{pair[1].name}"


def grade(course, pair):
    assignment, submission = pair
    graded = course.autograde(assignment, submission.name, bank.answered(assignment, submission.answers))
    assert graded.points == bank.full_marks(assignment) | submission.expected, submission.about
    assert graded.waiting == bank.manual_cells(assignment)


class TestOneHalf:
    @pytest.mark.parametrize("pair", BANK[::2], ids=named)
    def test_points(self, course, pair):
        grade(course, pair)


class TestOtherHalf:
    @pytest.mark.parametrize("pair", BANK[1::2], ids=named)
    def test_points(self, course, pair):
        grade(course, pair)


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
    for name, points in submission.expected.items():
        assert points < full[name], f"{name}: {points} is not less than full marks"
