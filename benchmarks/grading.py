"""A whole class through the grader, and beside plain nbgrader: ``python -m benchmarks.grading``.

Honest, damaged, hostile, slow and unreadable submissions (``tests/grading/mixed.py`` says of each what must come of
it) are graded by the command that an instructor gives. A sample of honest ones is graded alone, by it and by nbgrader
as it comes: its own converter, a Jupyter kernel a submission, one after the other.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import table
from tests.grading import mixed
from tests.grading.bank import assignments
from tests.grading.course import Course

HEAD = ("assignment", "submissions", *mixed.SHARES, "seconds", "a submission", "not as stated")
WAY_HEAD = ("way", "honest ones", "seconds", "a submission", "times plain nbgrader's throughput", "not as stated")
NAMES = ("a01_ifgsm", "a02_minimal_norm", "a03_spatial_eot", "a04_flow")
PLAIN = """
from nbgrader import converters
from nbgrader.apps import api, autogradeapp

autogradeapp.Autograde = api.Autograde = converters.Autograde
c.ExecutePreprocessor.timeout = c.Execute.timeout = 600
"""
"""nbgrader's own converter in the place of the course's, and time enough for every cell."""


@dataclass(frozen=True)
class Run:
    """A command that graded: its seconds of the clock, its status and what it said."""

    seconds: float
    status: int
    said: str


def course_at(folder: Path, name: str, *lines: str) -> Course:
    """A course of its own with that assignment and further lines of configuration."""
    folder.mkdir()
    course = Course(folder, [name])
    course.settings(*lines)
    return course


def graded(course: Course, module: str, *arguments: str) -> Run:
    """``python -m MODULE ARGUMENTS`` in the folder of a course."""
    started = time.perf_counter()
    done = course.command("-m", module, *arguments)
    return Run(time.perf_counter() - started, done.returncode, done.stdout + done.stderr)


def whole_class(folder: Path, names: list[str], count: int, workers: int, timeout: float) -> list[tuple]:
    """A line of ``HEAD`` for each assignment, ``count`` submissions in all."""
    lines = []
    settings = (f"c.TrialExecute.timeout = {timeout}", f"c.TrialExecute.workers = {workers}")
    for place, name in enumerate(names):
        course = course_at(folder / name, name, *settings)
        share = count // len(names) + (place < count % len(names))
        handed = mixed.of_a_class(name, share, seed=place)
        mixed.hand_in(course.root, name, handed)
        run = graded(course, "advcourse.grading", "grade", name)
        odd = mixed.surprises(course.root, name, handed, run.said)
        for student, words in odd.items():
            print(f"{name} {student}: {words}", file=sys.stderr)
        kinds = Counter(each.kind for each in handed)
        counts = [kinds[kind] for kind in mixed.SHARES]
        lines.append((name, share, *counts, f"{run.seconds:.0f}", f"{run.seconds / share:.2f}", len(odd)))
        shutil.rmtree(course.root)
    return lines


WAYS = {
    "plain nbgrader": ("nbgrader", "autograde", PLAIN),
    "advcourse": ("advcourse.grading", "grade", "c.Autograde.controls = False"),
    "advcourse, with its controls": ("advcourse.grading", "grade", ""),
}


def beside_nbgrader(folder: Path, names: list[str], count: int, workers: int) -> list[tuple]:
    """A line of ``WAY_HEAD`` for each assignment and way: ``count`` honest submissions, the same for every way."""
    lines = []
    for name in names:
        handed = [each for each in mixed.of_a_class(name, 3 * count, seed=9) if each.kind == "honest"][:count]
        plain = 0.0
        for way, (module, command, setting) in WAYS.items():
            course = course_at(folder / f"{name} {way}", name, f"c.TrialExecute.workers = {workers}", setting)
            mixed.hand_in(course.root, name, handed)
            run = graded(course, module, command, name)
            if run.status:
                raise RuntimeError(f"{way}: {name} was not graded:\n{run.said[-2000:]}")
            odd = mixed.surprises(course.root, name, handed, run.said)
            plain = plain or run.seconds
            each = f"{run.seconds / count:.2f}"
            lines.append((f"{name}, {way}", count, f"{run.seconds:.0f}", each, f"{plain / run.seconds:.1f}", len(odd)))
            shutil.rmtree(course.root)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.grading", description=__doc__.split(":", 1)[0])
    parser.add_argument("--submissions", type=int, default=500, help="in all (%(default)s)")
    parser.add_argument("--assignments", nargs="+", choices=assignments(), default=list(NAMES), help="(%(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="submissions at once (%(default)s)")
    parser.add_argument("--timeout", type=float, default=10, help="processor seconds of a cell (%(default)s)")
    parser.add_argument("--sample", type=int, default=20, help="of each assignment, beside nbgrader (%(default)s)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if given.sample:
            lines = beside_nbgrader(Path(folder), given.assignments, given.sample, given.workers)
            print(table(WAY_HEAD, lines), flush=True)
        lines = whole_class(Path(folder), given.assignments, given.submissions, given.workers, given.timeout)
        print(table(HEAD, lines))


if __name__ == "__main__":
    main()
