"""The notebook that is graded, made anew from the released one: a student brings sources, never metadata.

Tags, points, flags, ids, types, formats, attachments and outputs of a submission decide nothing. Outputs of cells that
are as they were released stay, made harmless: such a cell is not run again unless an answer needs it.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from advcourse.grading import matching, pages
from advcourse.grading.plan import Plan

if TYPE_CHECKING:
    from nbformat import NotebookNode

MOST_OUTPUTS = 20
"""Outputs of a cell that are kept."""

OUTPUT_KINDS = ("stream", "display_data", "execute_result", "error")


def rebuild(submitted: dict[str, Any], released: NotebookNode) -> NotebookNode:
    """The released notebook with the student's answers, and their own cells, plain, behind the cells they followed.

    Args:
        submitted: as ``cells.load`` gives it.
        released: the student version of the assignment, with nbgrader's metadata.
    """
    from nbformat import from_dict

    plan = matching.match(submitted["cells"], matching.outline(released))
    after = {place: [_plain(cell) for cell in own] for place, own in plan.followed().items()}
    built = after.get(-1, [])
    for number, cell in enumerate(released.cells):
        built += [_filled(cell, plan, number), *after.get(number, [])]
    for number, cell in enumerate(built):
        cell.setdefault("id", f"own-{number}")
    metadata = {key: copy.deepcopy(released.metadata[key]) for key in ("kernelspec", "language_info")}
    return from_dict({"cells": built, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})


def _filled(cell: NotebookNode, plan: Plan, number: int) -> NotebookNode:
    """The released cell; with the student's source where it is theirs to write."""
    from nbformat import from_dict

    built = copy.deepcopy(cell)
    about = cell.metadata.get("nbgrader", {})
    built.metadata = from_dict({"nbgrader": about} if about else {})
    if cell.cell_type == "code":
        built.outputs, built.execution_count = _shown(cell, plan, number), None
    theirs = about.get("solution") or not (about.get("grade") or about.get("locked"))
    if theirs and number not in plan.cell and about:
        built.source = ""
    elif theirs and number in plan.cell and plan.source(number) != cell.source:
        _write(built, plan.cell[number] | {"source": plan.source(number)})
    return built


def _shown(cell: NotebookNode, plan: Plan, number: int) -> list[NotebookNode]:
    """What the student saw below a cell that is not run again, where the cell is as it was released."""
    from nbformat import from_dict

    about = cell.metadata.get("nbgrader", {})
    theirs = number not in plan.cell or about.get("grade") or about.get("solution")
    if theirs or plan.source(number).strip() != "".join(cell.source).strip():
        return []
    outputs = plan.cell[number].get("outputs")
    given = [each for each in outputs if isinstance(each, dict)] if isinstance(outputs, list) else []
    kept = [from_dict(each) for each in given if each.get("output_type") in OUTPUT_KINDS]
    return [pages.harmless(each) for each in kept[:MOST_OUTPUTS]]


def _plain(cell: dict[str, Any]) -> NotebookNode:
    from nbformat.v4 import new_code_cell, new_markdown_cell

    built = new_code_cell() if cell["cell_type"] == "code" else new_markdown_cell()
    del built["id"]
    _write(built, cell)
    return built


def _write(built: NotebookNode, cell: dict[str, Any]) -> None:
    built.source = pages.text(cell["source"])
    if built.cell_type != "code":
        built.source, attachments = pages.written(built.source, cell.get("attachments"))
        built.pop("attachments", None)
        if attachments:
            built.attachments = attachments
