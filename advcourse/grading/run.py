"""Grades what was handed in: ``nbgrader autograde`` with this course's settings, from any folder.

Usage::

    python -m advcourse.grading grade ASSIGNMENT [--student NAME] [--force] [--unsafe]

It resumes where a run was killed. Its exit status is 0 if everything was graded.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

import advcourse
from advcourse.grading.autograde import Autograde

CONFIGURATION = "nbgrader_config.py"


def grade(assignment: str, course: Path, *, student: str = "*", force: bool = False, unsafe: bool = False) -> bool:
    """Grades the submissions to an assignment that are due; True if all came through.

    Args:
        course: the folder with ``nbgrader_config.py``.
        student: one student; all by default.
        force: those that were graded before too.
        unsafe: run the submissions with all your rights, without a sandbox.
    """
    from nbgrader.apps import NbGraderAPI
    from nbgrader.converters.base import NbGraderException
    from traitlets.config.loader import PyFileConfigLoader

    os.environ.setdefault("PATH", os.defpath)
    api = NbGraderAPI(config=PyFileConfigLoader(CONFIGURATION, path=str(course)).load_config())
    api.log.setLevel(logging.WARNING)
    api.coursedir.assignment_id, api.coursedir.student_id = assignment, student
    converter = Autograde(coursedir=api.coursedir, parent=api, unsafe=unsafe)
    converter.force = force
    try:
        converter.start()
    except NbGraderException as error:
        print(error, file=sys.stderr)
        return False
    return True


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m advcourse.grading grade",
        description="Grades what was handed in, each submission in a sandbox, after controls.",
    )
    here, ours = Path.cwd(), Path(advcourse.__file__).resolve().parents[1] / "course"
    parser.add_argument("assignment")
    parser.add_argument("--student", default="*", help="one student (default: all)")
    parser.add_argument("--force", action="store_true", help="those that were graded before, too")
    parser.add_argument("--unsafe", action="store_true", help="without a sandbox: submissions get all your rights")
    parser.add_argument(
        "--course", type=Path, help=f"the folder with {CONFIGURATION} (default: this one, or the course's)"
    )
    given = parser.parse_args(arguments)
    course = given.course or (here if (here / CONFIGURATION).is_file() else ours)
    options = {"student": given.student, "force": given.force, "unsafe": given.unsafe}
    return 0 if grade(given.assignment, course.resolve(), **options) else 1


if __name__ == "__main__":
    raise SystemExit(main())
