"""Grades what was handed in: ``nbgrader autograde`` with this course's settings, from any folder.

Usage::

    python -m advcourse.grading grade ASSIGNMENT [--student NAME] [--force] [--workers N] [--unsafe]

It resumes where a run was killed. Its exit status is 0 if everything was graded, 130 if it was interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy.exc import DBAPIError, SAWarning

from advcourse.grading import workers
from advcourse.grading.autograde import Autograde
from advcourse.grading.opening import Unreadable, open_course, with_course

UNWRITTEN = "the gradebook could not be written"
SEE_ABOVE = "Please see the the above traceback"
GOES_ON = "What was graded before it stands; the same command goes on."


def grade(
    assignment: str,
    course: Path | None = None,
    *,
    student: str = "*",
    force: bool = False,
    unsafe: bool = False,
    count: int | None = None,
) -> bool:
    """Grades the submissions to an assignment that are due; True if all came through.

    Args:
        course: the folder with ``nbgrader_config.py``; by default this one, else the repository's.
        student: one student; all by default.
        force: those that were graded before too.
        unsafe: run the submissions with all your rights, without a sandbox.
        count: submissions that are run at once, in the place of ``c.TrialExecute.workers``.

    Raises:
        KeyboardInterrupt: where it is interrupted.
    """
    from nbgrader.converters.base import NbGraderException

    try:
        api = open_course(course)
        _check(api.coursedir, assignment, student)
    except Unreadable as error:
        print(error, file=sys.stderr)
        return False
    if count is not None:
        api.config.TrialExecute.workers = count
    api.coursedir.assignment_id, api.coursedir.student_id = assignment, student
    converter = Autograde(coursedir=api.coursedir, parent=api, unsafe=unsafe)
    converter.force = force
    try:
        with _spoken(converter.log), warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)  # nbgrader's own queries
            converter.start()
    except NbGraderException as error:
        said = getattr(error.__context__, "orig", None)
        words = "Not everything was graded: see above." if str(error).startswith(SEE_ABOVE) else str(error)
        print(words if said is None else f"{UNWRITTEN}: {said}. {GOES_ON}", file=sys.stderr)
        return False
    except DBAPIError as error:
        print(f"{UNWRITTEN}: {error.orig}. {GOES_ON}", file=sys.stderr)
        return False
    finally:
        done = f"{converter.finished} of {converter.asked} submissions graded"
        print(f"{assignment}: {done}, {converter.left} left as they were")
    return True


def _check(coursedir: Any, assignment: str, student: str) -> None:
    """Raises ``Unreadable`` where there is no such assignment, or such a student has handed in nothing."""
    masters = Path(coursedir.format_path(coursedir.source_directory, ".", "."))
    known = sorted(path.parent.name for path in masters.glob("*/*.ipynb"))
    if assignment not in known:
        raise Unreadable(f"assignment is {assignment!r}, expected one of {', '.join(known)}")
    folder = Path(coursedir.format_path(coursedir.submitted_directory, student, assignment))
    if student != "*" and not folder.is_dir():
        raise Unreadable(f"student is {student!r}, expected one who has handed in {assignment}: there is no {folder}")


class _Lines(logging.Filter):
    """What we warn of and where nbgrader fails; of a traceback the line in which it ends."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.ERROR and "nbgrader" in Path(record.pathname).parts:
            return False  # checksums of tests that were put back, and the like
        words = record.getMessage().strip()
        if words.startswith((SEE_ABOVE, "control-")):  # what is odd about a control is meant
            return False
        record.msg, record.args = words.splitlines()[-1] if words.startswith("Traceback ") else words, ()
        return True


@contextlib.contextmanager
def _spoken(log: logging.Logger) -> Iterator[None]:
    """Has what is logged printed on standard error."""
    handler = logging.StreamHandler()
    handler.addFilter(_Lines())
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m advcourse.grading grade",
        description="Grades what was handed in, each submission in a sandbox, after controls.",
    )
    parser.add_argument("assignment")
    parser.add_argument("--student", default="*", help="one student (default: all)")
    parser.add_argument("--force", action="store_true", help="those that were graded before, too")
    parser.add_argument("--workers", type=int, help="submissions at once (default: one for each processor)")
    parser.add_argument("--unsafe", action="store_true", help="without a sandbox: submissions get all your rights")
    with_course(parser)
    given = parser.parse_args(arguments)
    if given.workers is not None and given.workers < 1:
        parser.error(f"--workers is {given.workers}, expected at least 1")
    options = {"student": given.student, "force": given.force, "unsafe": given.unsafe, "count": given.workers}
    try:
        return 0 if grade(given.assignment, given.course, **options) else 1
    except KeyboardInterrupt:
        print(f"interrupted. {GOES_ON}", file=sys.stderr)
        workers.stop()
        return 130


if __name__ == "__main__":
    raise SystemExit(main())
