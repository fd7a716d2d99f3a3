"""Mending a notebook whose cells were copied, split or moved, or have lost what the grader finds them by."""

from __future__ import annotations

import copy
import re
import warnings
from typing import Any

from advcourse.grading import cells, matching
from advcourse.grading.cells import Cell
from advcourse.grading.plan import Plan

IDENTIFIER = re.compile(r"[a-zA-Z0-9_-]{1,64}")
WIDGETS = "application/vnd.jupyter.widget-state+json"
KEYS = {"code": ("outputs", "execution_count"), "markdown": ("attachments",), "raw": ("attachments",)}


def repair(notebook: dict[str, Any], expected: list[Cell]) -> None:
    """Gives every cell that the grader finds its name and type, once, in the released order, in the notebook itself.

    It is then graded as before. No source is changed; the pieces of a cell that was split become one again, and a stub
    goes whose answer is in another cell. Copies of an answer that differ stay, as cells that are missing stay away: the
    grader puts back what is not an answer.

    Args:
        notebook: as ``cells.load`` gives it.
        expected: the assignment's outline.
    """
    plan = matching.match(notebook["cells"], expected)
    stubs = {entry["digest"] for entry in expected if cells.is_answer(entry)}
    joined = {id(twin) for number in plan.joined for twin in plan.twins[number]}
    gone = {i for i in plan.left_out if i in joined}
    gone |= {id(c) for c in plan.own if id(c) in plan.left_out and cells.source_digest(c["source"]) in stubs}
    behind = plan.followed(everything=True)
    mended = behind.get(-1, [])
    for number, entry in enumerate(expected):
        if number in plan.cell:
            _name(plan, number, entry)
            mended.append(plan.cell[number])
        mended += behind.get(number, [])
    taken = plan.taken()
    for cell in mended:
        if id(cell) not in {*taken, *plan.left_out, *_undecided(plan)}:
            cell["metadata"].pop("nbgrader", None)
    notebook["cells"] = [cell for cell in mended if id(cell) not in gone]
    _make_valid(notebook, {entry["id"] for entry in expected}, taken)


def _undecided(plan: Plan) -> set[int]:
    """``id()`` of copies of an answer that hold something else: which one shall count is for the student to say."""
    return {
        id(twin)
        for number, twins in plan.twins.items()
        for twin in twins
        if cells.is_answer(plan.entries[number])
        and cells.source_digest(twin["source"]) != cells.source_digest(plan.cell.get(number, twin)["source"])
    }


def _name(plan: Plan, number: int, entry: Cell) -> None:
    cell = plan.cell[number]
    if "nbgrader" in entry:
        about = copy.deepcopy(entry["nbgrader"])
        theirs = cell["metadata"].get("nbgrader", {}).get("checksum")
        ours = [one["nbgrader"].get("checksum") for one in plan.entries if "nbgrader" in one]
        if cells.is_answer(entry) and cells.of_another_release(cell, entry) and theirs not in ours:
            about["checksum"] = theirs
        elif cells.is_locked(entry) and cells.of_another_release(cell, entry) and not cells.unchanged(cell, entry):
            about["checksum"] = cells.checksum(cell["source"], entry)
        cell["metadata"]["nbgrader"] = about
        cell["cell_type"] = entry["type"]
    cell["id"] = entry["id"]
    cell["source"] = plan.source(number)


def _make_valid(notebook: dict[str, Any], known: set[str], named: set[int]) -> None:
    """Format 4.5, where every cell has an id of its own, and Colab's state of widgets as Jupyter writes it."""
    notebook["nbformat"], notebook["nbformat_minor"] = 4, 5
    taken = {cell["id"] for cell in notebook["cells"] if id(cell) in named}
    for number, cell in enumerate(notebook["cells"], 1):
        if id(cell) not in named:
            name = cell.get("id")
            if not isinstance(name, str) or not IDENTIFIER.fullmatch(name) or name in taken | known:
                name = f"cell-{number}"
            while name in taken | known:
                name += "-"
            cell["id"] = name
            taken.add(name)
        for key in {"outputs", "execution_count", "attachments"} - {*KEYS[cell["cell_type"]]}:
            cell.pop(key, None)
        if cell["cell_type"] == "code":
            cell.setdefault("execution_count", None)
            cell.setdefault("outputs", [])
    widgets = notebook["metadata"].get("widgets")
    state = widgets.get(WIDGETS) if isinstance(widgets, dict) else None
    if isinstance(state, dict) and "state" not in state:
        widgets[WIDGETS] = {"state": state, "version_major": 2, "version_minor": 0}
    elif widgets is not None and not isinstance(state, dict):
        del notebook["metadata"]["widgets"]
    if not is_valid(notebook):
        _take_out(notebook)


def is_valid(notebook: dict[str, Any]) -> bool:
    """Whether nbformat finds nothing wrong; also where it is not installed."""
    try:
        import nbformat
    except ImportError:
        return True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            nbformat.validate(copy.deepcopy(notebook))
    except Exception:
        return False
    return True


def _take_out(notebook: dict[str, Any]) -> None:
    """Takes out what no notebook may hold: outputs and metadata of unknown kinds, never a source."""
    head = {"nbformat": 4, "nbformat_minor": 5}
    for key in set(notebook) - {"cells", "metadata", *head}:
        del notebook[key]
    metadata = notebook["metadata"]
    for key in list(metadata):
        if not is_valid(head | {"cells": [], "metadata": {key: metadata[key]}}):
            del metadata[key]
    for cell in notebook["cells"]:

        def fits(cell: Cell) -> bool:
            return is_valid(head | {"cells": [cell], "metadata": {}})

        for key in set(cell) - {"id", "cell_type", "metadata", "source", *KEYS[cell["cell_type"]]}:
            del cell[key]
        if fits(cell):
            continue
        bare = cell | {"metadata": {}} | ({"outputs": [], "execution_count": None} if "outputs" in cell else {})
        bare.pop("attachments", None)
        metadata = {k: value for k, value in cell["metadata"].items() if fits(bare | {"metadata": {k: value}})}
        kept: Cell = {"metadata": metadata}
        if cell["cell_type"] == "code":
            outputs = cell["outputs"] if isinstance(cell["outputs"], list) else []
            kept["outputs"] = [output for output in outputs if fits(bare | {"outputs": [output]})]
            count = {"execution_count": cell["execution_count"]}
            kept |= count if fits(bare | count) else {"execution_count": None}
        elif not fits(cell | kept):
            cell.pop("attachments", None)
        cell.update(kept)
