"""Which cells of a graded notebook are tests, what they give, and which were not run to their end."""

from __future__ import annotations

from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.utils import is_grade, is_solution

from advcourse.grading.pages import harmless

OURS, NOT_RUN = "advcourse", "not_run"
"""Where the metadata of a cell say, in our words, why it was not run to its end."""


def is_test(cell: NotebookNode) -> bool:
    """Whether nbgrader gives points by what the cell outputs."""
    return bool(is_grade(cell) and not is_solution(cell))


def partial_credit(cell: NotebookNode, value: Any) -> list[NotebookNode]:
    """The output from which nbgrader reads the points of a test cell whose last line is that number; else none.

    Raises:
        ValueError: for a number that is not finite, or not from 0 to the points of the cell.
    """
    if type(value) not in (int, float):
        return []
    points = cell.metadata["nbgrader"]["points"]
    if not 0 <= value <= points:
        raise ValueError(f"the test gives {value} points, expected 0 to {points:g}")
    return [new_output("execute_result", data={"text/plain": repr(float(value))}, execution_count=1)]


def escaped(cell: NotebookNode) -> list[NotebookNode]:
    """The outputs of a cell as text and PNG; of a test its partial credit, which is a number alone, as it is."""
    kept = []
    for output in cell.outputs:
        data = output.get("data", {}) if output.output_type == "execute_result" and is_test(cell) else {}
        try:
            credit = partial_credit(cell, float(data["text/plain"])) if set(data) == {"text/plain"} else []
        except (TypeError, ValueError):
            credit = []
        kept += credit or [harmless(output)]
    return kept


def mark_failed(cell: NotebookNode, words: str) -> None:
    """Adds an error of ours to the outputs of a cell: a test cell with one gives no points.

    The words stand in the cell's metadata too, which no submission can write, so that none can claim them.
    """
    cell.metadata[OURS] = {NOT_RUN: words}
    cell.outputs.append(new_output("error", ename="NotRun", evalue=words, traceback=[words]))
