"""Controls of a grading run: the master must get full marks, the stub nothing, and a cheat nothing.

Where one does not, the environment or the assignment is wrong, and every grade would be.
"""

from __future__ import annotations

import copy
import json
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory

_passed: set[tuple] = set()


def must_pass(converter: Any, assignment: str) -> None:
    """Grades the three as ``converter`` grades submissions, in a course and a gradebook aside.

    They run once per process, as long as master and release stay the same.

    Raises:
        NbGraderException: saying which control fails, in which cells.
    """
    course = converter.coursedir
    master = Path(course.format_path(course.source_directory, ".", assignment))
    release = Path(course.format_path(course.release_directory, ".", assignment))
    files = sorted([*master.glob("*.ipynb"), *release.glob("*.ipynb")])
    key = (assignment, course.db_url, converter.executor, tuple(file.read_bytes() for file in files))
    if key in _passed:
        return
    with tempfile.TemporaryDirectory(prefix="controls-") as folder:
        aside = _course(course, Path(folder), assignment)
        for file in release.glob("*.ipynb"):
            released = nbformat.read(file, as_version=4)
            solved = nbformat.read(master / file.name, as_version=4)
            for name, notebook in {"master": solved, "stub": released, "cheat": cheat(released)}.items():
                place = Path(folder) / "submitted" / f"control-{name}" / assignment / file.name
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(json.dumps(notebook), encoding="utf-8")
        grader = type(converter)(coursedir=aside, parent=converter.parent, unsafe=converter.is_unsafe())
        grader.controls = False
        grader.start()
        wrong = [*_differences(aside, assignment)]
    if wrong:
        raise NbGraderException("the controls fail, so nothing was graded:\n  " + "\n  ".join(wrong))
    _passed.add(key)


def cheat(released: NotebookNode) -> NotebookNode:
    """The stub, with metadata that would skip the tests, and tests that always pass."""
    notebook = copy.deepcopy(released)
    for cell in notebook.cells:
        cell.metadata["tags"] = ["skip-execution", "raises-exception"]
        about = cell.metadata.get("nbgrader", {})
        if about.get("grade") and not about.get("solution"):
            cell.source, about["points"], about["locked"] = "pass", 10 * about["points"], False
    return notebook


def _course(course: CourseDirectory, folder: Path, assignment: str) -> CourseDirectory:
    """A course directory in ``folder`` that knows the same assignments; its gradebook is a copy."""
    source, copied = course.db_url.removeprefix("sqlite:///"), folder / "gradebook.db"
    if source == course.db_url:
        raise NbGraderException(f"the gradebook is {course.db_url}, expected SQLite: the controls work on a copy of it")
    with sqlite3.connect(source) as old, sqlite3.connect(copied) as new:
        old.backup(new)
    new.close()
    old.close()
    return CourseDirectory(
        config=course.config,
        root=str(folder),
        course_id=course.course_id,
        db_url=f"sqlite:///{copied}",
        source_directory=str(Path(course.root, course.source_directory)),
        release_directory=str(Path(course.root, course.release_directory)),
        submitted_directory="submitted",
        autograded_directory="autograded",
        assignment_id=assignment,
        student_id="control-*",
    )


def _differences(course: CourseDirectory, assignment: str) -> Any:
    with Gradebook(course.db_url, course.course_id) as gradebook:
        for name in ("master", "stub", "cheat"):
            for notebook in gradebook.find_submission(assignment, f"control-{name}").notebooks:
                for grade in notebook.grades:
                    expected = grade.max_score if name == "master" else 0
                    written = name == "master" and grade.needs_manual_grade
                    if not written and grade.auto_score != expected:
                        reason = _reason(course, assignment, f"control-{name}", notebook.name, grade.name)
                        yield f"{name}: {grade.name} gets {grade.auto_score} points, expected {expected:g}{reason}"


def _reason(course: CourseDirectory, assignment: str, student: str, notebook: str, name: str) -> str:
    folder = course.format_path(course.autograded_directory, student, assignment)
    for cell in nbformat.read(Path(folder) / f"{notebook}.ipynb", as_version=4).cells:
        about = cell.metadata.get("nbgrader", {})
        if about.get("grade_id") == name:
            return "".join(f" ({o.ename}: {o.evalue})" for o in cell.get("outputs", []) if o.output_type == "error")
    return ""
