"""Grading again: points that a person gave to an answer in words stand while the answer is the same.

nbgrader keeps the points, and has every one of them wait for a person again.
"""

from __future__ import annotations

from pathlib import Path

from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry

from advcourse.grading import cells


def marked_before(gradebook: Gradebook, assignment: str, student: str, built: NotebookNode, before: Path) -> list[str]:
    """Names of the answers in words that have points by hand, and are as they were when these were given.

    Args:
        built: the notebook that is to be graded.
        before: the file of the one that was graded before, if there is one.
    """
    try:
        old = cells.load(before)["cells"]
    except (OSError, ValueError):
        return []
    words = {cells.grade_id(cell): cell["source"] for cell in old if cell["cell_type"] == "markdown"}
    found = []
    for cell in built.cells:
        name = cells.grade_id(cell)
        if name is None or words.get(name) != cell.source:
            continue
        try:
            grade = gradebook.find_grade(name, before.stem, assignment, student)
        except MissingEntry:
            continue
        if grade.manual_score is not None and not grade.needs_manual_grade:
            found.append(name)
    return found


def keep_marked(gradebook: Gradebook, assignment: str, student: str, notebook: str, names: list[str]) -> None:
    """Have these wait for nobody."""
    for name in names:
        gradebook.find_grade(name, notebook, assignment, student).needs_manual_grade = False
    gradebook.db.commit()
