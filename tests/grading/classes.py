"""A class on paper: a gradebook made with nbgrader's own functions, and autograded notebooks, without a kernel."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from nbformat import from_dict
from nbformat.v4 import new_output
from nbgrader.api import Gradebook

from advcourse.grading.export import GradesPlugin
from advcourse.grading.marks import mark_failed
from advcourse.grading.opening import open_course
from advcourse.grading.results import Outcome
from tests.grading.bank import ROOT
from tests.grading.small import ANSWER, OTHER, TEST, cell

NAME = "p01_paper"
DUE = datetime(2026, 3, 1, 23, 59)
POINTS = {"test_double": 4.0, "test_negative": 2.0, "why": 3.0}
STUB = "# YOUR CODE HERE\nraise NotImplementedError()"
WRONG = ("CheckFailed", "double(3) is 9.0, expected 6")


@dataclass
class Submission:
    """What one student handed in, and what came of it: errors by test, cells not run, marks of the answer."""

    errors: dict[str, tuple[str, str]] = field(default_factory=dict)
    not_run: dict[str, str] = field(default_factory=dict)
    mark: float | None = 3.0
    answer: str = ANSWER
    late: timedelta = -timedelta(hours=1)
    autograded: bool = True
    by_hand: dict[str, float] = field(default_factory=dict)


class PaperClass:
    """A course folder under ``root`` with one assignment and its students."""

    def __init__(self, root: Path):
        self.root = root
        (root / "course").mkdir(parents=True)
        shutil.copy(ROOT / "course" / "nbgrader_config.py", root / "course")
        self.api()  # the configuration puts alembic on the path, which makes the gradebook
        with self.gradebook() as book:
            book.add_assignment(NAME, duedate=DUE.isoformat())
            book.add_notebook(NAME, NAME)
            for name, points in POINTS.items():
                book.add_grade_cell(
                    name, NAME, NAME, max_score=points, cell_type="markdown" if name == "why" else "code"
                )
            for name in ("double", "why"):
                book.add_solution_cell(name, NAME, NAME)

    def copied(self, root: Path) -> PaperClass:
        shutil.copytree(self.root, root)
        made = object.__new__(PaperClass)
        made.root = root
        return made

    def gradebook(self) -> Gradebook:
        return Gradebook(f"sqlite:///{self.root / 'course' / 'gradebook.db'}", "advcourse")

    def api(self):
        return open_course(self.root / "course")

    def add(self, students: dict[str, Submission | None], **names: dict[str, str]) -> None:
        """Students with their submissions; None handed nothing in. ``names`` are by student."""
        with self.gradebook() as book:
            for student, given in students.items():
                book.update_or_create_student(student, **names.get(student, {}))
                if given is None:
                    continue
                handed = DUE + given.late
                submission = book.add_submission(NAME, student, timestamp=handed.isoformat())
                if not given.autograded:
                    continue
                for grade in submission.notebooks[0].grades:
                    grade.needs_manual_grade = grade.name == "why" and given.mark is None
                    if grade.name == "why":
                        grade.manual_score = given.mark
                    else:
                        fails = grade.name in (given.errors | given.not_run)
                        grade.auto_score = 0.0 if fails else POINTS[grade.name]
                        grade.manual_score = given.by_hand.get(grade.name)
                self.write(student, given)
            book.db.commit()

    def notebook_of(self, student: str) -> Path:
        return self.root / "course" / "autograded" / student / NAME / f"{NAME}.ipynb"

    def results(self, **asked) -> dict[str, tuple[dict, Outcome]]:
        """What the exporter finds, by student."""
        self.plugin = GradesPlugin(parent=self.api(), **asked)
        with self.gradebook() as book:
            return {row["student_id"]: (row, outcome) for row, outcome in self.plugin.results(book)}

    def write(self, student: str, given: Submission) -> None:
        """The autograded notebook, as the run leaves it."""
        cells = [
            from_dict(one)
            for one in (
                cell("setup", "import advcourse", locked=True),
                cell("double", given.answer, solution=True),
                cell("plot", "draw()"),
                cell("test_double", TEST, grade=True, locked=True, points=POINTS["test_double"]),
                cell("test_negative", OTHER, grade=True, locked=True, points=POINTS["test_negative"]),
                cell("why", "Because.", "markdown", grade=True, solution=True, points=POINTS["why"]),
            )
        ]
        by_name = {one.id: one for one in cells}
        for name, (kind, message) in given.errors.items():
            by_name[name].outputs.append(new_output("error", ename=kind, evalue=message, traceback=["…"]))
        for name, words in given.not_run.items():
            mark_failed(by_name[name], words)
        file = self.notebook_of(student)
        file.parent.mkdir(parents=True, exist_ok=True)
        notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        file.write_text(json.dumps(notebook), encoding="utf-8")


def failed(*names: str, said: tuple[str, str] = WRONG, **more) -> Submission:
    """A submission that fails those tests with one message."""
    return Submission(errors=dict.fromkeys(names, said), **more)


def a_few_dozen() -> dict[str, Submission | None]:
    """36 students: what the tests state exactly is written here."""
    slow = "the cell had not ended after 60 s"
    students: dict[str, Submission | None] = {f"s{n:02}": Submission() for n in range(12)}  # all 9 points
    students |= {  # 5 points: twelve times one mistake in other numbers
        f"s{n:02}": failed("test_double", said=("CheckFailed", f"double(3) is {n / 2}, expected 6"))
        for n in range(12, 20)
    }
    students |= {f"s{n:02}": failed("test_double", said=("ZeroDivisionError", "division by zero")) for n in (20, 21)}
    stub = {"said": ("NotImplementedError", ""), "answer": STUB}
    students |= {f"s{n:02}": failed("test_double", "test_negative", mark=0.0, **stub) for n in (22, 23, 24)}
    students |= {f"s{n:02}": Submission(mark=None) for n in (25, 26, 27)}
    students["s28"] = failed("test_negative", said=("AssertionError", ""), mark=None)
    students["s29"] = Submission(not_run={"test_double": slow})
    students["s30"] = Submission(not_run={"double": slow}, errors={"test_double": ("NameError", "double")}, mark=None)
    students["s31"] = Submission(not_run={"plot": slow}, late=timedelta(days=2, hours=3))
    students["s32"] = failed("test_double", autograded=False)
    students["s33"] = Submission(late=timedelta(minutes=7))
    return students | {"s34": None, "s35": None}
