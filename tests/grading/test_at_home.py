"""What a student sees at home, before anything is graded; that mistakes are named there is in ``test_bank.py``."""

import contextlib
import io

import pytest

from tests.grading import bank, forked

RIGHT = [
    (name, submission)
    for name in bank.assignments()
    for submission in bank.submissions(name)
    if not submission.expected
]


def errors_at_home(assignment, answers):
    """The errors of these answers, of the visible tests that depend on them and of what both need, by cell."""
    names, errors, chosen = {}, {}, forked.needed(assignment, answers)
    for cell in bank.answered(assignment, answers)["cells"]:
        if cell["cell_type"] == "code" and cell["id"] in chosen:
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    exec(compile("".join(cell["source"]), cell["id"], "exec"), names)
            except Exception as error:
                errors[cell["id"]] = error
    return errors


@pytest.mark.filterwarnings("ignore:Default grid_sample")
@pytest.mark.parametrize("pair", RIGHT, ids=lambda pair: f"{pair[0]}-{pair[1].name}")
def test_a_right_submission_is_told_of_nothing(pair):
    assert errors_at_home(pair[0], pair[1].answers) == {}
