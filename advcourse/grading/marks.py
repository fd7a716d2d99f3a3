"""What stands in a graded notebook beside its outputs: which cells are tests, and which were not run to their end."""

from __future__ import annotations

from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.utils import is_grade, is_solution

OURS, NOT_RUN = "advcourse", "not_run"
"""Where the metadata of a cell say, in our words, why it was not run to its end."""


def is_test(cell: NotebookNode) -> bool:
    """Whether nbgrader gives points by what the cell outputs."""
    return bool(is_grade(cell) and not is_solution(cell))


def mark_failed(cell: NotebookNode, words: str) -> None:
    """Adds an error of ours to the outputs of a cell: a test cell with one gives no points.

    The words stand in the cell's metadata too, which no submission can write, so that none can claim them.
    """
    cell.metadata[OURS] = {NOT_RUN: words}
    cell.outputs.append(new_output("error", ename="NotRun", evalue=words, traceback=[words]))
