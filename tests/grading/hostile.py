"""Submissions that mean harm, and what must come of each: ``python -m tests.grading.hostile`` grades them all.

Each is an assignment in which some answers are replaced, graded as nbgrader has it done: made anew from the release,
with the master's tests, by a ``Trial`` in the sandbox. A row states which tests give nothing; all others give full
points. What a submission found or did it prints, so that a test can tell an attack that was stopped from one that was
never tried.
"""

from __future__ import annotations

import contextlib
import json
import logging
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import nbformat
import torch
from nbformat import NotebookNode
from nbgrader.utils import determine_grade

from advcourse.grading import cells, trial, wire
from advcourse.grading.autograde import with_tests
from advcourse.grading.rebuild import rebuild
from tests.grading import bank

KINDS = ("gain", "read", "stop", "page")
"""To gain marks, to read what is not theirs, to stop the run, to reach the page of who grades."""

SLOW = ("test_fgsm", "test_ifgsm_steps", "test_ifgsm_stopping", "test_ifgsm_traces", "test_targeted_ifgsm")
"""Tests of ``a01_ifgsm`` that most rows do without."""

LOG = logging.getLogger("hostile")
LOG.addHandler(logging.NullHandler())
LOG.propagate = False


@dataclass(frozen=True)
class Hostile:
    """One row.

    Attributes:
        zero: tests that give nothing.
        says: stands in what the submission's cells put out.
        why: stands in what the tests put out.
        change: what else is done to the notebook that is handed in.
        whole: whether all tests are run.
        only: the tests that are run, if not the usual ones.
        quick: whether it gives up after two seconds of processor time.
    """

    kind: str
    name: str
    answers: dict[str, str] = field(default_factory=dict)
    zero: tuple[str, ...] = ()
    says: str = ""
    why: str = ""
    assignment: str = "a01_ifgsm"
    change: Callable[[dict], None] | None = None
    whole: bool = False
    only: tuple[str, ...] = ()
    quick: bool = False

    def expected(self) -> dict[str, float]:
        full = bank.full_marks(self.assignment)
        usual = self.only or [name for name in full if name not in SLOW]
        left = {name: 0 if name in self.zero else points for name, points in full.items()}
        return left if self.whole else {name: left[name] for name in usual}


@dataclass(frozen=True)
class Places:
    """What is planted for a submission to find: a word that nobody may read, and where it lies."""

    secret: str
    home: Path
    course: Path
    port: int = 9

    def filled(self, source: str) -> str:
        about = {"@HOME@": self.home, "@COURSE@": self.course, "@ROOT@": bank.ROOT, "@PORT@": self.port}
        for name, value in about.items():
            source = source.replace(name, str(value))
        return source


@dataclass(frozen=True)
class Graded:
    """Points of the tests that were run; the notebook, and what the cells of the submission and the tests put out."""

    points: dict[str, float]
    notebook: NotebookNode
    said: str
    why: str
    words: list[str]


class _Words(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.words.append(record.getMessage())


def handed_in(row: Hostile, places: Places) -> dict:
    """The notebook that a student hands in."""
    answers = {name: places.filled(source) for name, source in row.answers.items()}
    notebook = bank.answered(row.assignment, answers)
    if row.change is not None:
        row.change(notebook)
    return notebook


def grade(box: trial.Sandbox, row: Hostile, places: Places) -> Graded:
    """Grade one row."""
    content = json.dumps(handed_in(row, places)).encode()
    built = with_tests(rebuild(cells.notebook_of(content, "handed in"), _released(row.assignment)), _locked(row))
    left = row.expected()
    built.cells = [cell for cell in built.cells if not _tested(cell) or _name(cell) in left]
    seconds, words = (2 if row.quick else 3), _Words()
    LOG.addHandler(words)
    try:
        start = lambda: box.child(seconds, row.assignment)  # noqa: E731
        trial.Trial(built, start, total=30, log=LOG).run()
    finally:
        LOG.removeHandler(words)
    code = [cell for cell in built.cells if cell.cell_type == "code"]
    points = {_name(cell): determine_grade(cell, LOG)[0] for cell in code if _tested(cell)}
    said, why = (
        json.dumps([c.outputs for c in code if _tested(c) is which], ensure_ascii=False) for which in (False, True)
    )
    return Graded(points, built, said, why, words.words)


def _name(cell: NotebookNode) -> str:
    return str(cell.metadata.get("nbgrader", {}).get("grade_id"))


def _tested(cell: NotebookNode) -> bool:
    about = cell.metadata.get("nbgrader", {})
    return bool(cell.cell_type == "code" and about.get("grade") and not about.get("solution"))


@cache
def _released(assignment: str) -> NotebookNode:
    return nbformat.reads(json.dumps(bank.released(assignment)), 4)


def _locked(row: Hostile) -> dict[str, str]:
    given = [
        cell for cell in bank.master(row.assignment)["cells"] if cell["metadata"].get("nbgrader", {}).get("locked")
    ]
    return {cell["id"]: "".join(cell["source"]) for cell in given}


def table() -> list[Hostile]:
    from tests.grading import hostile_gains, hostile_pages, hostile_reads, hostile_stops

    rows = [*hostile_gains.ROWS, *hostile_reads.ROWS, *hostile_stops.ROWS, *hostile_pages.ROWS]
    return sorted(rows, key=lambda row: (KINDS.index(row.kind), row.name))


@contextlib.contextmanager
def boxed() -> Iterator[trial.Sandbox]:
    """A sandbox for small submissions, and less patience with those that wait than a class is given."""
    patience, threads = wire.PATIENCE, torch.get_num_threads()
    wire.PATIENCE = 0.5
    torch.set_num_threads(1)
    try:
        with trial.sandboxed(memory=1024, seconds=20) as box:
            yield box
    finally:
        wire.PATIENCE = patience
        torch.set_num_threads(threads)


def main() -> None:
    """Print what is expected of every row and what came: points of all tests that it was graded by."""
    rows, wrong = table(), 0
    width = max(len(row.name) for row in rows)
    print(f"{'kind':5}{'submission':{width + 1}}{'expected':>9}{'got':>6}")
    with tempfile.TemporaryDirectory() as folder, boxed() as box:
        places = Places("nothing is planted", Path(folder), Path(folder))
        for row in rows:
            expected, got = row.expected(), grade(box, row, places).points
            wrong += got != expected
            print(
                f"{row.kind:5}{row.name:{width + 1}}{sum(expected.values()):9g}{sum(got.values()):6g}"
                f"{'' if got == expected else '  WRONG'}",
                flush=True,
            )
    print(f"{len(rows)} submissions, {wrong} not as expected")


if __name__ == "__main__":
    main()
