"""Reading a notebook file as it came in, and finding its cells: whatever is in the file, without trusting it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

Cell = dict[str, Any]


def load(file: str | Path) -> dict[str, Any]:
    """The notebook of a file, upgraded to format 4, every cell with a source, a type and a dict of metadata.

    Raises:
        ValueError: if it is no notebook.
    """
    return notebook_of(Path(file).read_bytes(), Path(file).name)


def notebook_of(content: bytes, name: str) -> dict[str, Any]:
    """The notebook in the content of a file, as ``load`` gives it; ``name`` stands in the message where it is none."""
    try:
        notebook = json.loads(content.decode("utf-8-sig"))
        if "worksheets" in notebook:
            import nbformat

            notebook = nbformat.convert(nbformat.from_dict(notebook), 4)
        cells = notebook["cells"]
        notebook["cells"] = [_tidied(cell) for cell in cells if isinstance(cell, dict)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ImportError) as error:
        raise ValueError(f"{name} is something else, expected a notebook (.ipynb): {error}") from error
    if not isinstance(notebook.get("metadata"), dict):
        notebook["metadata"] = {}
    return notebook


def _tidied(cell: Cell) -> Cell:
    source = cell.get("source", "")
    cell["source"] = "".join(map(str, source)) if isinstance(source, list) else str(source)
    if cell.get("cell_type") not in ("code", "markdown", "raw"):
        cell["cell_type"] = "markdown"
    if not isinstance(cell.get("metadata"), dict):
        cell["metadata"] = {}
    if not isinstance(cell["metadata"].get("nbgrader", {}), dict):
        del cell["metadata"]["nbgrader"]
    return cell


def grade_id(cell: Cell) -> str | None:
    """The name under which nbgrader knows a cell."""
    name = cell["metadata"].get("nbgrader", {}).get("grade_id")
    return name if isinstance(name, str) else None


def cell_id(cell: Cell) -> str | None:
    """A cell's id, where Colab keeps it too."""
    name = cell.get("id") or cell["metadata"].get("id")
    return name if isinstance(name, str) else None


def named(cells: list[Cell], entry: Cell) -> list[Cell]:
    """The cells that carry the name of a released cell, the one that counts first.

    It is the one whose content is that of the released cell, where that is locked; else the one with the released id;
    else the last.
    """
    name = entry["id"]
    same = [c for c in cells if grade_id(c) == name]
    same = same or [c for c in cells if cell_id(c) == name and grade_id(c) is None]
    if not same:
        return []
    counts = next((c for c in same if is_locked(entry) and unchanged(c, entry)), None)
    counts = counts or next((c for c in same if cell_id(c) == name), same[-1])
    return [counts, *(c for c in same if c is not counts)]


def is_answer(entry: Cell) -> bool:
    """Whether a released cell is one that a student answers."""
    return bool(entry.get("nbgrader", {}).get("solution"))


def is_locked(entry: Cell) -> bool:
    """Whether a released cell keeps its content: what a student writes there is replaced when it is graded."""
    about = entry.get("nbgrader", {})
    return not about.get("solution") and bool(about.get("grade") or about.get("locked"))


def unchanged(cell: Cell, entry: Cell) -> bool:
    """Whether a cell holds what was released, blanks at the ends of lines aside."""
    lines = [line.rstrip() for line in cell["source"].splitlines()]
    variants = {cell["source"], "\n".join(lines), "\n".join(lines).strip("\n")}
    return any(checksum(source, entry) == entry["nbgrader"].get("checksum") for source in variants)


def checksum(source: str, entry: Cell) -> str:
    """What nbgrader computes of a cell with that source and the entry's role; here students need no nbgrader."""
    about = entry["nbgrader"]
    role = [bool(about.get("grade")), bool(about.get("solution")), is_locked(entry)]
    parts = [source, entry["type"], *map(str, role), entry["id"]]
    if about.get("grade"):
        parts.append(str(float(about["points"])))
    return hashlib.md5("".join(parts).encode("utf-8", "replace"), usedforsecurity=False).hexdigest()
