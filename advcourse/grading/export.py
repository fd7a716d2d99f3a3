"""Grades as CSV in which what nobody has graded is empty; nbgrader's own export says 0.0 there."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

from nbgrader.api import Assignment, Grade, Gradebook, MissingEntry, Student
from nbgrader.plugins import ExportPlugin

COLUMNS = ["assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email"]
COLUMNS += ["raw_score", "late_submission_penalty", "score", "max_score", "state", "points_so_far"]


class GradesPlugin(ExportPlugin):
    """The exporter of ``nbgrader export``: one row per student and assignment.

    ``state`` is "graded"; "waits for a person"; "not autograded", where a submission never came through; or "nothing
    handed in". Only what is graded has a score; ``points_so_far`` has the points given until now.
    """

    def export(self, gradebook: Gradebook) -> None:
        with open(self.to or "grades.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(self.rows(gradebook))

    def rows(self, gradebook: Gradebook) -> Iterator[dict[str, Any]]:
        """The rows of the assignments and students asked for, all of them by default."""
        students, assignments = ([str(name) for name in asked] for asked in (self.student, self.assignment))
        for assignment in gradebook.assignments:
            for student in gradebook.students:
                if assignment.name in (assignments or [assignment.name]) and student.id in (students or [student.id]):
                    yield _row(gradebook, assignment, student)


def _row(gradebook: Gradebook, assignment: Assignment, student: Student) -> dict[str, Any]:
    row = {name: getattr(student, name) for name in ("last_name", "first_name", "email")}
    row |= {"assignment": assignment.name, "duedate": assignment.duedate, "student_id": student.id}
    row |= {"max_score": assignment.max_score}
    try:
        submission = gradebook.find_submission(assignment.name, student.id)
    except MissingEntry:
        return row | {"state": "nothing handed in"}
    grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
    row |= {"timestamp": submission.timestamp}
    if any(_is_missing(grade) for grade in grades):
        return row | {"state": "not autograded"}
    if any(g.needs_manual_grade for g in grades):
        return row | {"state": "waits for a person", "points_so_far": submission.score}
    penalty = submission.late_submission_penalty
    score = max(0.0, submission.score - penalty)
    row |= {"raw_score": submission.score, "late_submission_penalty": penalty, "score": score}
    return row | {"state": "graded", "points_so_far": submission.score}


def _is_missing(grade: Grade) -> bool:
    """Whether a test cell has no points: then autograding never came to its end."""
    answers = {cell.name for cell in grade.notebook.notebook.solution_cells}
    return grade.name not in answers and grade.auto_score is None and grade.manual_score is None
