"""The notebook that is graded, made anew from the released one: a student brings sources, never metadata.

Tags, points, flags, ids, types, formats, attachments and outputs of a submission decide nothing. Outputs of cells that
are as they were released stay, made harmless: such a cell is not run again unless an answer needs it.
"""

from __future__ import annotations

import copy
from typing import Any

from nbformat import NotebookNode, from_dict
from nbformat.v4 import new_code_cell, new_markdown_cell

from advcourse.grading import cells, pages

MOST_OUTPUTS = 20
"""Outputs of a cell that are kept."""


def rebuild(submitted: dict[str, Any], released: NotebookNode) -> NotebookNode:
    """The released notebook with the student's answers, and their own cells, plain, behind the cells they followed.

    Args:
        submitted: as ``cells.load`` gives it.
        released: the student version of the assignment, with nbgrader's metadata.
    """
    own = submitted["cells"]
    matched = _matched(own, released)
    after: dict[int, list[NotebookNode]] = {}
    places = {id(cell): number for number, cell in matched.items()}
    place = -1
    for cell in own:
        place = places.get(id(cell), place)
        if id(cell) not in places and cell["source"].strip():
            after.setdefault(place, []).append(_plain(cell))
    built = list(after.get(-1, []))
    for number, cell in enumerate(released.cells):
        built += [_filled(cell, matched.get(number)), *after.get(number, [])]
    for number, cell in enumerate(built):
        cell.setdefault("id", f"own-{number}")
    metadata = {key: copy.deepcopy(released.metadata[key]) for key in ("kernelspec", "language_info")}
    return from_dict({"cells": built, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})


def _matched(own: list[dict[str, Any]], released: NotebookNode) -> dict[int, dict[str, Any]]:
    """The student's cell for every released one that has one: by name, else by content, else by where an answer is."""
    entries = [
        {"id": c.id, "type": c.cell_type, **({"nbgrader": c.metadata.nbgrader} if "nbgrader" in c.metadata else {})}
        for c in released.cells
    ]
    matched: dict[int, dict[str, Any]] = {}
    for number, entry in enumerate(entries):
        same = cells.named(own, entry) if "nbgrader" in entry else []
        same = same or [c for c in own if cells.cell_id(c) == entry["id"] and cells.grade_id(c) is None]
        same = [c for c in same if not any(c is taken for taken in matched.values())]
        if same:
            matched[number] = same[0]
    for number, cell in enumerate(released.cells):
        if number not in matched and not cells.is_answer(entries[number]):
            taken = {id(c) for c in matched.values()}
            equal = [c for c in own if c["source"].strip() == cell.source.strip() and id(c) not in taken]
            matched |= {number: equal[0]} if equal else {}
    for number, entry in enumerate(entries):
        if number not in matched and cells.is_answer(entry):
            between = _between(own, matched, number, len(entries) - 1)
            candidates = [c for c in between if c["cell_type"] == entry["type"] and c["source"].strip()]
            matched |= {number: candidates[0]} if len(candidates) == 1 else {}
    return matched


def _between(
    own: list[dict[str, Any]], matched: dict[int, dict[str, Any]], number: int, last: int
) -> list[dict[str, Any]]:
    """The student's cells between those of the released neighbours of cell ``number``, where both were found."""
    places: dict[int, int] = {-1: -1, last + 1: len(own)}
    places |= {n: next(i for i, c in enumerate(own) if c is cell) for n, cell in matched.items()}
    if number - 1 not in places or number + 1 not in places:
        return []
    return own[places[number - 1] + 1 : places[number + 1]]


def _filled(cell: NotebookNode, found: dict[str, Any] | None) -> NotebookNode:
    """The released cell; with the student's source where it is theirs to write."""
    built = copy.deepcopy(cell)
    about = cell.metadata.get("nbgrader", {})
    built.metadata = from_dict({"nbgrader": about} if about else {})
    if cell.cell_type == "code":
        built.outputs, built.execution_count = _shown(cell, found), None
    theirs = about.get("solution") or not (about.get("grade") or about.get("locked"))
    if theirs and found is None and about:
        built.source = ""
    elif theirs and found is not None and found["source"] != cell.source:
        _write(built, found)
    return built


def _shown(cell: NotebookNode, found: dict[str, Any] | None) -> list[NotebookNode]:
    """What the student saw below a cell that is not run again, where the cell is as it was released."""
    if (
        found is None
        or cell.metadata.get("nbgrader", {}).get("grade")
        or found["source"].strip() != cell.source.strip()
    ):
        return []
    outputs = found.get("outputs")
    given = [each for each in outputs if isinstance(each, dict)] if isinstance(outputs, list) else []
    return [pages.harmless(from_dict(each)) for each in given[:MOST_OUTPUTS]]


def _plain(cell: dict[str, Any]) -> NotebookNode:
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
            built.attachments = from_dict(attachments)
