"""Mending a notebook whose cells were copied, split or deleted, or have lost what the grader finds them by."""

from __future__ import annotations

import copy
import re

from advcourse.grading import cells

IDENTIFIER = re.compile(r"[a-zA-Z0-9_-]{1,64}")
WIDGETS = "application/vnd.jupyter.widget-state+json"


def repair(notebook: dict, expected: list[dict]) -> list[str]:
    """Gives every expected cell its metadata, once, in the notebook itself; returns what was wrong.

    Of several cells with the same metadata one stays (``cells.named``); the others, and cells of other assignments,
    become plain cells, which still run. A missing cell is put in empty behind the cell that came before it: its source
    is filled in when it is graded, and a student's function may still be defined elsewhere.

    Args:
        notebook: as ``cells.load`` gives it.
    """
    own = notebook["cells"]
    positions = {id(cell): number for number, cell in enumerate(own, 1)}
    found = _strangers(own, expected, positions)
    known = {entry["id"] for entry in expected}
    place = -1
    if not any(cells.grade_id(cell) in known or cells.cell_id(cell) in known for cell in own):
        place = len(own) - 1
    for entry in expected:
        name = entry["id"]
        same = cells.named(own, entry)
        if not same:
            found.append(f"cell {name!r} is missing")
            own.insert(place + 1, _empty(entry))
            same = [own[place + 1]]
        kept = same[0]
        whole = _joined(own, same, entry)
        for extra in same[1:]:
            found.append(
                f"cell {name!r} is there more than once (copied or split): "
                f"number {positions[id(kept)]} counts, number {positions[id(extra)]} does not"
            )
            extra["metadata"].pop("nbgrader", None)
            if whole is not None:
                own[:] = [cell for cell in own if cell is not extra]
        kept["source"] = kept["source"] if whole is None else whole
        if cells.grade_id(kept) is None and id(kept) in positions:
            found.append(f"cell {name!r} (number {positions[id(kept)]}) has lost its grading metadata")
        kept["metadata"]["nbgrader"] = copy.deepcopy(entry["nbgrader"])
        if kept["cell_type"] != entry["type"]:
            found.append(f"cell {name!r} (number {positions[id(kept)]}) has become a {kept['cell_type']} cell")
            _retype(kept, entry["type"])
        place = max(place, next(number for number, c in enumerate(own) if c is kept))
    _make_valid(notebook, known)
    return found


def _strangers(own: list[dict], expected: list[dict], positions: dict[int, int]) -> list[str]:
    """Takes the metadata off cells that this assignment does not know; returns what they are."""
    found, known = [], {entry["id"] for entry in expected}
    for cell in own:
        about = cell["metadata"].get("nbgrader")
        if about is None or cells.grade_id(cell) in known:
            continue
        if any(about.get(role) for role in ("grade", "solution", "locked", "task")):
            found.append(
                f"cell {cells.grade_id(cell)!r} (number {positions[id(cell)]}) belongs to another assignment: "
                "it counts as a plain cell"
            )
        del cell["metadata"]["nbgrader"]
    return found


def _joined(own: list[dict], same: list[dict], entry: dict) -> str | None:
    """What the pieces of a locked cell give together, where that is the released cell."""
    whole = "\n".join(cell["source"] for cell in own if any(cell is piece for piece in same))
    split = len(same) > 1 and cells.is_locked(entry) and cells.unchanged(same[0] | {"source": whole}, entry)
    return whole if split else None


def _empty(entry: dict) -> dict:
    cell = {"cell_type": entry["type"], "id": entry["id"], "metadata": {}, "source": ""}
    return cell | ({"execution_count": None, "outputs": []} if entry["type"] == "code" else {})


def _retype(cell: dict, kind: str) -> None:
    cell["cell_type"] = kind
    for name in ("outputs", "execution_count", "attachments"):
        cell.pop(name, None)
    if kind == "code":
        cell |= {"execution_count": None, "outputs": []}


def _make_valid(notebook: dict, known: set[str]) -> None:
    """Format 4.5, where every cell has an id of its own, and Colab's state of widgets as Jupyter writes it."""
    notebook["nbformat"], notebook["nbformat_minor"] = 4, 5
    taken: set[str] = set()
    for number, cell in enumerate(notebook["cells"], 1):
        name = cells.grade_id(cell) or cell.get("id")
        if not isinstance(name, str) or not IDENTIFIER.fullmatch(name) or name in taken:
            name = f"cell-{number}"
        while name in taken or (name in known and cells.grade_id(cell) != name):
            name += "-"
        cell["id"] = name
        taken.add(name)
        if cell["cell_type"] == "code":
            cell.setdefault("execution_count", None)
            cell.setdefault("outputs", [])
    widgets = notebook["metadata"].get("widgets")
    state = widgets.get(WIDGETS) if isinstance(widgets, dict) else None
    if isinstance(state, dict) and "state" not in state:
        widgets[WIDGETS] = {"state": state, "version_major": 2, "version_minor": 0}
    elif widgets is not None and not isinstance(state, dict):
        del notebook["metadata"]["widgets"]
