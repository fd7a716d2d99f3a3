"""What a student sees at home, before anything is graded: the visible tests name the mistakes of the bank."""

import contextlib
import io

import pytest

from advcourse.grading import checks
from tests.grading import bank

BANK = [(name, submission) for name in bank.assignments() for submission in bank.submissions(name)]
SEEN_ONLY_WHEN_GRADED = {
    ("a01_ifgsm", "wrong_gradient_accumulates"),
    ("a01_ifgsm", "wrong_projected_at_the_end"),
    ("a01_ifgsm", "wrong_targeted_stops_too_early"),
    ("a06_bpda", "wrong_verdict_by_accuracy"),
}


def errors_at_home(notebook):
    """The errors of the setup, the answers and the visible tests, by cell, run in this process."""
    names, errors = {}, {}
    for cell in notebook["cells"]:
        role = cell["metadata"].get("nbgrader", {})
        if cell["cell_type"] == "code" and (role.get("solution") or role.get("grade") or cell["id"] == "setup"):
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    exec(compile("".join(cell["source"]), cell["id"], "exec"), names)
            except Exception as error:
                errors[cell["id"]] = error
    return errors


@pytest.mark.filterwarnings("ignore:Default grid_sample")
@pytest.mark.parametrize("pair", BANK, ids=lambda pair: f"{pair[0]}-{pair[1].name}")
def test_every_mistake_is_named(pair):
    """Nothing is lost that is not explained at home; a right submission is told of nothing."""
    assignment, submission = pair
    errors = errors_at_home(bank.answered(assignment, submission.answers))
    if (assignment, submission.name) in SEEN_ONLY_WHEN_GRADED:
        assert not errors
        return
    assert all(isinstance(errors.get(name), checks.CheckFailed) for name in submission.expected)
    if not submission.expected:
        assert not errors
