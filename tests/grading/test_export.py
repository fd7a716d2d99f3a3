"""Grades as CSV: what nobody has graded is empty."""

import csv

from nbgrader.api import Gradebook
from nbgrader.apps import ExportApp

from advcourse.grading.export import GradesPlugin
from tests.grading.small import NAME


def rows(small, **asked):
    plugin = GradesPlugin(to=str(small.root / "grades.csv"), **asked)
    with Gradebook(f"sqlite:///{small.root / 'course' / 'gradebook.db'}", "advcourse") as gradebook:
        plugin.export(gradebook)
    with open(small.root / "grades.csv", newline="", encoding="utf-8") as file:
        return {row["student_id"]: row for row in csv.DictReader(file)}


def test_states_and_scores(small):
    small.grade("x_waits", small.answered())
    small.grade("x_done", small.answered())
    small.grade("x_stub", small.released())
    with Gradebook(f"sqlite:///{small.root / 'course' / 'gradebook.db'}", "advcourse") as gradebook:
        grade = gradebook.find_grade("why", NAME, NAME, "x_done")
        grade.manual_score, grade.needs_manual_grade = 1.5, False
        gradebook.update_or_create_student("x_nothing", last_name='O\'Hara, "Jo"', email=None)
        gradebook.update_or_create_student("x_extended")
        gradebook.update_or_create_submission(NAME, "x_extended")  # as extension.py does
        gradebook.db.commit()
    small.submit(NAME, "x_broken", {})
    (small.root / "course" / "submitted" / "x_broken" / NAME / f"{NAME}.ipynb").write_text("garbage")
    assert not small.api.autograde(NAME, "x_broken")["success"]

    found = rows(small)
    shown = {name: (row["score"], row["raw_score"], row["state"], row["points_so_far"]) for name, row in found.items()}
    assert shown["x_waits"] == ("", "", "waits for a person", "3.0")
    assert shown["x_done"] == ("4.5", "4.5", "graded", "4.5")
    assert shown["x_stub"] == ("0.0", "0.0", "graded", "0.0")
    assert shown["x_nothing"] == ("", "", "nothing handed in", "")
    assert shown["x_extended"] == shown["x_broken"] == ("", "", "not autograded", "")
    assert found["x_nothing"]["last_name"] == 'O\'Hara, "Jo"' and found["x_done"]["max_score"] == "6.0"
    assert set(rows(small, student=["x_done"])) == {"x_done"} and rows(small, assignment=["another"]) == {}


def test_the_guides_command_uses_it(small):
    assert ExportApp(config=small.config()).plugin_class is GradesPlugin
