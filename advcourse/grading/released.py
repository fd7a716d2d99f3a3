"""What the package knows of the released notebooks, where neither they nor the masters are: ``manifest.json``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from advcourse.grading import cells, matching
from advcourse.grading.cells import Cell

MANIFEST = Path(__file__).with_name("manifest.json")
FLAGS = ("grade", "solution", "locked", "task")


def manifest() -> dict[str, list[Cell]]:
    """For every released notebook, by name, its outline."""
    packed = json.loads(MANIFEST.read_text(encoding="utf-8"))
    return {name: [_unpacked(entry) for entry in entries] for name, entries in packed.items()}


def written_manifest(outlines: dict[str, list[Cell]]) -> str:
    """The text of the manifest: one cell a line, and of nbgrader's metadata only what does not follow from the rest."""
    pieces = []
    for name, entries in sorted(outlines.items()):
        lines = [json.dumps(_packed(entry), sort_keys=True, ensure_ascii=False) for entry in entries]
        pieces.append(f"{json.dumps(name)}: [\n" + ",\n".join(lines) + "\n]")
    return "{\n" + ",\n".join(pieces) + "\n}\n"


def _packed(entry: Cell) -> Cell:
    """The entry with the flags that are set in one word each."""
    if "nbgrader" not in entry:
        return entry
    about = entry["nbgrader"]
    kept = {key: about[key] for key in ("checksum", "points", "schema_version") if key in about}
    return entry | {"nbgrader": kept | {"is": [flag for flag in FLAGS if about.get(flag)]}}


def _unpacked(entry: Cell) -> Cell:
    if "nbgrader" not in entry:
        return entry
    about = dict(entry["nbgrader"])
    flags = about.pop("is")
    about |= {flag: flag in flags for flag in FLAGS} | {"grade_id": entry["id"], "cell_type": entry["type"]}
    return entry | {"nbgrader": about}


def assignment_of(notebook: dict[str, Any], known: dict[str, list[Cell]]) -> str | None:
    """The assignment that the cells of a notebook are of, by names and contents that no other has; None if unsure."""
    marks = {name: _marks(outline) for name, outline in known.items()}
    theirs = set()
    for cell in notebook["cells"]:
        theirs |= {cells.grade_id(cell), cells.cell_id(cell), cells.source_digest(cell["source"])}
        theirs |= {f"def {name}" for name in matching.defined(cell["source"])}
    scores = {}
    for name, own in marks.items():
        others = set().union(*(other for each, other in marks.items() if each != name))
        scores[name] = len((own - others) & theirs)
    best = max(scores, key=lambda name: scores[name], default=None)
    second = max((score for name, score in scores.items() if name != best), default=0)
    return best if best is not None and scores[best] > 2 + second else None


def _marks(outline: list[Cell]) -> set[str]:
    marks = {entry["id"] for entry in outline if "nbgrader" in entry} | {entry["digest"] for entry in outline}
    return marks | {f"def {name}" for entry in outline for name in entry.get("defines", [])}
