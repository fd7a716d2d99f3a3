"""Grades in which what nobody has graded is empty; nbgrader's own export says 0.0 there."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nbgrader.api import Assignment, Gradebook, MissingEntry, Student
from nbgrader.plugins import ExportPlugin

from advcourse.grading import results
from advcourse.grading.results import GRADED, NOT_AUTOGRADED, NOTHING, Outcome, outcome_of

COLUMNS = ["assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email"]
COLUMNS += ["raw_score", "late_submission_penalty", "score", "max_score", "state", "points_so_far", "reason"]

TEXTS = ("student_id", "last_name", "first_name", "email", "lms_user_id", "reason")
"""Columns whose text may be a student's: a spreadsheet must not take it for a formula."""

FORMULA = re.compile(r"\s*[=+\-@＝＋－＠\t\r]")


class GradesPlugin(ExportPlugin):
    """The exporter of ``nbgrader export``: one row per student and assignment.

    ``state`` is "graded"; "partly graded", where a cell was not run; "waits for a person"; "not autograded", where a
    submission never came through; or "nothing handed in"; ``reason`` says why, per cell. Only what is graded has a
    score; ``points_so_far`` has the points given until now.
    """

    notes: list[str] = []
    """What was wrong with autograded notebooks, a line each."""

    def export(self, gradebook: Gradebook) -> None:
        rows = [harmless_row(row) for row in self.rows(gradebook)]  # all of them, before a file of before is replaced
        with open(self.to or "grades.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)

    def rows(self, gradebook: Gradebook) -> Iterator[dict[str, Any]]:
        """The rows of the assignments and students asked for, all of them by default."""
        for row, _ in self.results(gradebook):
            yield row

    def results(self, gradebook: Gradebook) -> Iterator[tuple[dict[str, Any], Outcome]]:
        """The same rows, each with what came of the submission, cell by cell."""
        self.notes = []
        students, assignments = ([str(name) for name in asked] for asked in (self.student, self.assignment))
        course: Any = getattr(self.parent, "coursedir", None)
        there = course is not None and Path(course.root, course.autograded_directory).is_dir()
        if course is not None and not there:
            self.note("no autograded notebooks: cells that were not run cannot be told from wrong ones")
        for assignment in gradebook.assignments:
            for student in gradebook.students:
                if assignment.name in (assignments or [assignment.name]) and student.id in (students or [student.id]):
                    folder = None
                    if there:
                        folder = Path(course.format_path(course.autograded_directory, student.id, assignment.name))
                    row, outcome = _row(gradebook, assignment, student, folder)
                    if outcome.trouble:
                        self.note(f"{assignment.name}, {results.one_line(student.id)}: {outcome.trouble}")
                    yield row, outcome

    def note(self, words: str) -> None:
        self.notes.append(words)
        self.log.warning("%s", words)


def _row(
    gradebook: Gradebook, assignment: Assignment, student: Student, folder: Path | None
) -> tuple[dict[str, Any], Outcome]:
    row = {name: getattr(student, name) for name in ("last_name", "first_name", "email", "lms_user_id")}
    row |= {"assignment": assignment.name, "duedate": assignment.duedate, "student_id": student.id}
    row |= {"max_score": assignment.max_score}
    try:
        submission = gradebook.find_submission(assignment.name, student.id)
    except MissingEntry:
        return row | {"state": NOTHING}, Outcome(NOTHING)
    outcome = outcome_of(submission, folder)
    row |= {"timestamp": submission.timestamp, "state": outcome.state, "reason": outcome.reason}
    if assignment.duedate is not None:  # nbgrader fails on an extension of no date
        row |= {"seconds_late": submission.total_seconds_late}
    if outcome.state == NOT_AUTOGRADED:
        return row, outcome
    row |= {"points_so_far": submission.score}
    if outcome.state == GRADED:
        penalty = submission.late_submission_penalty
        score = max(0.0, submission.score - penalty)
        row |= {"raw_score": submission.score, "late_submission_penalty": penalty, "score": score}
    return row, outcome


def harmless_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row, with an apostrophe before the texts that a spreadsheet would take for a formula.

    Source: OWASP, CSV Injection, https://owasp.org/www-community/attacks/CSV_Injection.
    """
    return {name: not_a_formula(value) if name in TEXTS else value for name, value in row.items()}


def not_a_formula(value: Any) -> Any:
    """Text as it is, or behind an apostrophe if it begins as a formula does; anything else as it is."""
    return f"'{value}" if isinstance(value, str) and FORMULA.match(value) else value
