"""An exercise's check answers in words and never stops the notebook."""

from advcourse.grading import checks
from advcourse.notebook import exercises


def said(capsys, action) -> str:
    with exercises.attempt("softmax"):
        action()
    return capsys.readouterr().out


def not_done():
    raise NotImplementedError


def test_what_each_outcome_says(capsys):
    assert said(capsys, lambda: None) == "✓ softmax\n"
    assert said(capsys, not_done).startswith("… softmax: not done yet")
    assert said(capsys, lambda: checks.fail("rows do not sum to 1")) == "✗ softmax: rows do not sum to 1\n"
    assert said(capsys, lambda: {}["x"]).startswith("✗ softmax: your code raised KeyError: ")
