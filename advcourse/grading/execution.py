"""All cells of a notebook, run so that a cell costs itself at most: never the cells around it, never the submission."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.utils import is_grade, is_solution

from advcourse.grading.kernel import Kernel


class Execution:
    """One notebook. A cell that loses the kernel is left out, and the others are run again in a new one.

    Cells that were run before then run again for what they define, and keep the outputs that they had; test cells,
    which define nothing, do not.

    Args:
        notebook: its code cells get their outputs.
        start: makes a kernel.
        timeout: seconds for one cell.
        total: seconds for all; what is not reached by then counts as failed.
    """

    def __init__(
        self, notebook: NotebookNode, start: Callable[[], Kernel], *, timeout: float, total: float, log: logging.Logger
    ):
        self.cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
        self.start, self.timeout, self.log = start, timeout, log
        self.deadline = time.monotonic() + total
        self.total = total
        self.left_out: set[int] = set()
        self.done: set[int] = set()

    def run(self) -> None:
        """Run all cells, in as many kernels as they need."""
        for cell in self.cells:
            cell.outputs, cell.execution_count = [], None
        while not self.run_in_one_kernel():
            pass

    def run_in_one_kernel(self) -> bool:
        """Run what can be run in one kernel; False if it was lost before the end."""
        kernel = self.start()
        try:
            for number, cell in enumerate(self.cells):
                again = number in self.done
                if number in self.left_out or not cell.source.strip() or (again and is_test(cell)):
                    continue
                left = self.deadline - time.monotonic()
                if left <= 0:
                    self.give_up()
                    return True
                ran = kernel.run(cell.source, min(self.timeout, left))
                if not again:
                    cell.outputs, cell.execution_count = ran.outputs, number + 1
                if ran.trouble and (not again or ran.lost):
                    self.log.warning("code cell %d: %s", number + 1, ran.trouble)
                    mark_failed(cell, ran.trouble)
                self.done.add(number)
                if ran.lost:
                    self.left_out.add(number)
                    return self.finished()
            return True
        finally:
            kernel.stop()

    def finished(self) -> bool:
        return all(number in self.done or not cell.source.strip() for number, cell in enumerate(self.cells))

    def give_up(self) -> None:
        """What was not run counts as failed."""
        for number, cell in enumerate(self.cells):
            if number not in self.done and cell.source.strip():
                mark_failed(cell, f"this cell was not run: the submission had taken {self.total:.0f} s")


def is_test(cell: NotebookNode) -> bool:
    """Whether nbgrader gives points by what the cell outputs."""
    return bool(is_grade(cell) and not is_solution(cell))


def mark_failed(cell: NotebookNode, words: str) -> None:
    """Adds an error of ours to the outputs of a cell: a test cell with one gives no points."""
    cell.outputs.append(new_output("error", ename="NotRun", evalue=words, traceback=[words]))
