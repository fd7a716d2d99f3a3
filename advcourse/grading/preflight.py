"""A look at a notebook before it is handed in: will the grader find every answer, and can it be run?

Usage::

    python -m advcourse.grading.preflight FILE [--repair]

The grader finds an exercise by the metadata of its cell. A cell that was copied or split carries it twice, one that
was deleted or went through some editors not at all. ``manifest.json`` lists the cells of every released notebook.
"""

from __future__ import annotations

import argparse
import copy
import json
import shutil
from pathlib import Path
from typing import Any

from advcourse.grading import answers, cells
from advcourse.grading.mending import WIDGETS, repair

MANIFEST = Path(__file__).with_name("manifest.json")


def manifest() -> dict[str, list[dict]]:
    """For every released notebook, by name: its graded, solution and locked cells in order."""
    return json.loads(MANIFEST.read_text(encoding="utf-8"))


def graded_cells(notebook: dict) -> list[dict]:
    """What the manifest keeps of a released notebook: id, type and nbgrader metadata of each such cell."""
    return [
        {"id": cell["id"], "type": cell["cell_type"], "nbgrader": dict(cell["metadata"]["nbgrader"])}
        for cell in notebook["cells"]
        if "nbgrader" in cell["metadata"]
    ]


def inspect(notebook: dict, expected: list[dict]) -> list[str]:
    """What is wrong with the notebook's cells; the notebook is not changed."""
    notebook = copy.deepcopy(notebook)
    before = [name for name in map(cells.grade_id, notebook["cells"]) if name in {entry["id"] for entry in expected}]
    found = repair(notebook, expected)
    if not found and before != [entry["id"] for entry in expected]:
        found.append("cells were moved: a test must come after the exercise that it tests")
    return found


def by_hand(notebook: dict, expected: list[dict]) -> list[str]:
    """What is wrong inside the cells, where no repair can know what was meant."""
    found = []
    for entry in expected:
        cell = next(iter(cells.named(notebook["cells"], entry)), None)
        if cell is None:
            continue
        where = f"{entry['id']!r} (number {next(n for n, c in enumerate(notebook['cells'], 1) if c is cell)})"
        if cells.is_locked(entry) and cell["source"].strip() and not cells.unchanged(cell, entry):
            found.append(
                f"cell {where} is not to be written in, but was changed: it is replaced when it is graded. "
                "Move what is yours to an answer cell, or to a cell of its own; if nothing there is, nothing is lost"
            )
        elif cells.is_answer(entry) and (wrong := answers.wrong(cell["source"], entry["type"])):
            found.append(f"answer {where} {wrong}")
    return found


def unanswered(notebook: dict, expected: list[dict]) -> list[str]:
    """Names of the exercises that are empty or still hold the stub."""
    names = []
    for entry in filter(cells.is_answer, expected):
        same = cells.named(notebook["cells"], entry)
        if same and answers.is_stub("".join(same[0]["source"]), entry["type"]):
            names.append(entry["id"])
    return names


def check(file: str | Path, *, mend: bool = False) -> bool:
    """Prints what is wrong with a notebook file and what to do; True if it can be handed in.

    Args:
        file: the notebook, as saved.
        mend: write the file back with the cells' metadata repaired; the file as it was stays beside it.
    """
    file = Path(file)
    if not file.is_file():
        print(f"No file {file} here. Save the notebook, or download it, and run in the folder where it lies:")
        print(f"    python -m advcourse.grading.preflight {file.name}")
        return False
    try:
        notebook = cells.load(file)
    except ValueError:
        print(f"{file.name} is not a notebook file: download it again as .ipynb")
        return False
    known = manifest()
    name = next((name for name in known if name in file.name), None)
    if name is None:
        print(f"{file.name} belongs to no assignment. Assignments: {', '.join(known)}")
        return False
    found = inspect(notebook, known[name])
    if mend and (found or not _stands(file, notebook)):
        found = _mend(file, notebook, known[name], found)
    written = by_hand(notebook, known[name])
    for problem in [*found, *written]:
        print(f"✗ {problem}")
    if found:
        print("What to do: close the notebook, run this, and open it again:")
        print(f"    python -m advcourse.grading.preflight {file.name} --repair")
        print("Or take a fresh copy of the assignment and paste your answers into its cells.")
    if file.stem != name:
        print(f"✗ hand the file in as {name}.ipynb: under the name {file.name} the grader does not find it")
    waiting = unanswered(notebook, known[name])
    for exercise in waiting:
        print(f"· {exercise} is not answered yet")
    fit = not found and not written and file.stem == name
    if fit:
        but = f", but {len(waiting)} of them still to be answered" if waiting else ""
        number = len(known[name])
        print(f"✓ {file.name} can be handed in: all {number} cells that the grader needs are there, once{but}")
    return fit


def _mend(file: Path, notebook: dict[str, Any], expected: list[dict], found: list[str]) -> list[str]:
    """Writes the repaired notebook; returns what is wrong with it still."""
    backup, number = file.with_name(f"{file.stem}.before-repair.ipynb.bak"), len(notebook["cells"])
    shutil.copyfile(file, backup)
    repair(notebook, expected)
    file.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8", errors="replace")
    print(f"Repaired {file.name} ({number} cells); the file as it was is {backup.name}. It had:")
    print("\n".join(f"  - {problem}" for problem in found or ["an older or invalid format"]))
    return inspect(notebook, expected)


def _stands(file: Path, notebook: dict[str, Any]) -> bool:
    """Whether the file is a valid notebook as it is, as far as can be told here."""
    try:
        import nbformat

        raw = json.loads(file.read_text(encoding="utf-8"))
        nbformat.validate(raw)
    except ImportError:
        return True
    except Exception:
        return False
    state = notebook["metadata"].get("widgets", {}).get(WIDGETS)
    return raw["nbformat"] == 4 and (state is None or "state" in state)


def main() -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m advcourse.grading.preflight",
        description="Looks for cells that were copied, split or deleted, before a notebook is handed in.",
    )
    parser.add_argument("file", help="the notebook to hand in")
    parser.add_argument("--repair", action="store_true", help="give the cells their grading metadata back")
    arguments = parser.parse_args()
    return 0 if check(arguments.file, mend=arguments.repair) else 1


if __name__ == "__main__":
    raise SystemExit(main())
