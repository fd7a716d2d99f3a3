"""Points of a submission as it is graded, without the gradebook: cells in a process of the sandbox, tests outside."""

from __future__ import annotations

import importlib
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

import nbformat
import torch
from nbgrader.utils import determine_grade, is_solution

from advcourse.grading import trial
from advcourse.grading.marks import escaped, is_test
from tests.grading import bank

LOG = logging.getLogger(__name__)
importlib.import_module("tests.grading.preloaded")  # what tests import


class Grader:
    """One sandbox for many submissions.

    Attributes:
        seconds: of processor time that the last submission took, in both processes together.
    """

    def __init__(self, sandbox: trial.Sandbox, timeout: float = 60):
        self.sandbox, self.timeout, self.seconds = sandbox, timeout, 0.0

    def grade(self, assignment: str, answers: dict[str, str] | None = None) -> dict[str, float]:
        """Points of every autograded cell of the master with ``answers``, by grade_id, in the place of its own."""
        bank.check_known(answers or {}, bank.solutions(assignment))
        solved = bank.solutions(assignment) | (answers or {})
        notebook = nbformat.from_dict(bank.master(assignment))
        for cell in notebook.cells:
            cell.source = "".join(cell.source)
            if cell.cell_type == "code" and is_solution(cell):
                cell.source = solved[cell.id]
        run = trial.Trial(notebook, lambda: self.sandbox.child(self.timeout, assignment), total=600, log=LOG)
        before = time.process_time()
        with torch.random.fork_rng(devices=[]):
            run.run()
        self.seconds = time.process_time() - before + run.spent
        return {cell.metadata.nbgrader.grade_id: _points(cell) for cell in notebook.cells if is_test(cell)}


def _points(cell: nbformat.NotebookNode) -> float:
    cell.outputs = escaped(cell)
    return float(determine_grade(cell)[0] or 0)


@contextmanager
def grader(assignment: str) -> Iterator[Grader]:
    """A grader beside the files of that assignment."""
    folder = bank.ROOT / "solutions" / assignment
    beside = str(folder) if any(path.suffix != ".ipynb" for path in folder.iterdir()) else ""
    with trial.sandboxed(memory=4096, seconds=600, files=beside) as sandbox:
        yield Grader(sandbox)
