"""Forty submissions of one class, of every kind: nothing is lost, nothing gained, nothing left without a reason."""

from dataclasses import replace

import pytest

from advcourse.grading import sandbox
from tests.grading import mixed
from tests.grading.course import Course

pytestmark = pytest.mark.skipif(sandbox.unavailable() is not None, reason=f"no sandbox here: {sandbox.unavailable()}")
NAME = "a01_ifgsm"


def test_a_class_of_forty(tmp_path):
    course = Course(tmp_path, [NAME])
    course.settings("c.TrialExecute.timeout = 20")
    handed = mixed.of_a_class(NAME, 40, seed=1)
    assert {each.kind for each in handed} == set(mixed.SHARES) and len({each.student for each in handed}) == 40
    mixed.hand_in(course.root, NAME, handed)
    done = course.command("-m", "advcourse.grading", "grade", NAME)
    assert done.returncode == 1  # some files are no notebooks
    assert mixed.surprises(course.root, NAME, handed, done.stdout + done.stderr) == {}
    honest = next(each for each in handed if each.kind == "honest")
    wrongly = [
        replace(honest, kind="unreadable", stated=None),
        replace(honest, stated=honest.stated | {"test_fgsm": 99}),
    ]
    for each in wrongly:  # so that it can fail
        assert list(mixed.surprises(course.root, NAME, [each], "")) == [honest.student]
