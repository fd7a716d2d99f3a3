"""Reading a notebook file as it came in, and finding its cells: whatever is in the file, without trusting it."""

from __future__ import annotations

import hashlib
import itertools
import json
from pathlib import Path
from typing import Any

from advcourse.grading import answers

Cell = dict[str, Any]


def load(file: str | Path) -> dict[str, Any]:
    """The notebook of a file, upgraded to format 4, every cell with a source, a type and a dict of metadata.

    The file may be UTF-8, 16 or 32, with or without a byte order mark.

    Raises:
        ValueError: if it is no notebook.
    """
    return notebook_of(Path(file).read_bytes(), Path(file).name)


def notebook_of(content: bytes, name: str) -> dict[str, Any]:
    """The notebook in the content of a file, as ``load`` gives it; ``name`` stands in the message where it is none."""
    try:
        notebook = json.loads(content.decode(json.detect_encoding(content)))
        if "worksheets" in notebook:
            import nbformat

            notebook = nbformat.convert(nbformat.from_dict(notebook), 4)
        notebook = tidied(notebook)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ImportError) as error:
        raise ValueError(f"{name} is something else, expected a notebook (.ipynb): {error}") from error
    return notebook


def tidied(notebook: dict[str, Any]) -> dict[str, Any]:
    """The notebook with a source, a type and a dict of metadata in every cell; what was given is not changed."""
    metadata = notebook.get("metadata")
    tidy = [_tidied(cell) for cell in notebook["cells"] if isinstance(cell, dict)]
    return notebook | {"cells": tidy, "metadata": metadata if isinstance(metadata, dict) else {}}


def _tidied(cell: Cell) -> Cell:
    source, kind, metadata = cell.get("source", ""), cell.get("cell_type"), cell.get("metadata")
    source = "".join(map(str, source)) if isinstance(source, list) else str(source)
    metadata = dict(metadata) if isinstance(metadata, dict) else {}
    if not isinstance(metadata.get("nbgrader", {}), dict):
        del metadata["nbgrader"]
    kind = kind if kind in ("code", "markdown", "raw") else "markdown"
    return cell | {"source": source, "cell_type": kind, "metadata": metadata}


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

    Where the released cell is locked it is the one with its content. Of answers it is one that is answered, the last of
    those before the test: what a run from top to bottom leaves. Else it is the one with the released id, else the last.
    """
    name = entry["id"]
    same = [c for c in cells if grade_id(c) == name]
    same = same or [c for c in cells if cell_id(c) == name and grade_id(c) is None]
    if not same:
        return []
    if is_answer(entry):
        start = next(place for place, c in enumerate(cells) if c is same[0])
        before = itertools.takewhile(lambda c: not _is_test(c), cells[start:])
        fit = [c for c in same if not answers.is_stub(c["source"], entry["type"])]
        fit = [c for c in before if any(c is each for each in fit)] or fit
    else:
        fit = [c for c in same if is_locked(entry) and unchanged(c, entry)][:1]
    counts = fit[-1] if fit else next((c for c in same if cell_id(c) == name), same[-1])
    return [counts, *(c for c in same if c is not counts)]


def _is_test(cell: Cell) -> bool:
    about = cell["metadata"].get("nbgrader", {})
    return bool(about.get("grade")) and not about.get("solution")


def is_answer(entry: Cell) -> bool:
    """Whether a released cell is one that a student answers."""
    return bool(entry.get("nbgrader", {}).get("solution"))


def is_locked(entry: Cell) -> bool:
    """Whether a released cell keeps its content: what a student writes there is replaced when it is graded."""
    about = entry.get("nbgrader", {})
    return not about.get("solution") and bool(about.get("grade") or about.get("locked"))


def unchanged(cell: Cell, entry: Cell) -> bool:
    """Whether a cell holds what was released, blanks at the ends of lines aside."""
    return _sealed(cell["source"], entry, entry["nbgrader"].get("checksum"))


def of_another_release(cell: Cell, entry: Cell) -> bool:
    """Whether a cell came, by the checksum that nbgrader left in it, from a release in which it was another one.

    A locked cell must also hold what that checksum is of: else a student wrote in it.
    """
    about = cell["metadata"].get("nbgrader", {})
    theirs, ours = about.get("checksum"), entry["nbgrader"].get("checksum")
    if not isinstance(theirs, str) or theirs == ours:
        return False
    try:
        return is_answer(entry) or _sealed(cell["source"], {"id": grade_id(cell), **_role(cell)}, theirs)
    except (KeyError, TypeError, ValueError):
        return False


def _role(cell: Cell) -> Cell:
    return {"type": cell["cell_type"], "nbgrader": cell["metadata"]["nbgrader"]}


def _sealed(source: str, entry: Cell, sealed: Any) -> bool:
    lines = [line.rstrip() for line in source.splitlines()]
    variants = {source, "\n".join(lines), "\n".join(lines).strip("\n")}
    return any(checksum(each, entry) == sealed for each in variants)


def checksum(source: str, entry: Cell) -> str:
    """What nbgrader computes of a cell with that source and the entry's role; here students need no nbgrader."""
    about = entry["nbgrader"]
    role = [bool(about.get("grade")), bool(about.get("solution")), is_locked(entry)]
    parts = [source, entry["type"], *map(str, role), entry["id"]]
    if about.get("grade"):
        parts.append(str(float(about["points"])))
    return hashlib.md5("".join(parts).encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def source_digest(source: str) -> str:
    """Ten digits that stand for a source, blanks at the ends of lines and empty lines around it aside."""
    kept = "\n".join(line.rstrip() for line in source.splitlines()).strip("\n")
    return hashlib.sha1(kept.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()[:10]
