"""A look at a notebook before it is handed in: did cells get copied, split, deleted, or lose their metadata?

Usage::

    python -m advcourse.grading.preflight FILE [--repair]

The grader finds an exercise by the metadata of its cell. A cell that was copied or split carries it twice, one that
was deleted or went through some editors not at all. ``manifest.json`` lists the cells of every released notebook.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

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


def repair(notebook: dict, expected: list[dict]) -> list[str]:
    """Gives every expected cell its metadata, once, in the notebook itself; returns what was wrong.

    Of several cells with the same metadata the one with the released id stays, else the last; the others become
    plain cells, which still run. A missing cell is put in empty behind the cell that came before it: nbgrader fills
    in a test cell's source, and a student's function may still be defined elsewhere.
    """
    cells, found, place = notebook["cells"], [], -1
    known = {entry["id"] for entry in expected}
    positions = {id(cell): number for number, cell in enumerate(cells, 1)}
    nothing_left = not any(_grade_id(cell) in known or _cell_id(cell) in known for cell in cells)
    if nothing_left:
        place = len(cells) - 1
    for entry in expected:
        name = entry["id"]
        same = [c for c in cells if _grade_id(c) == name]
        same = same or [c for c in cells if _cell_id(c) == name and _grade_id(c) is None]
        if not same:
            found.append(f"cell {name!r} is missing")
            cell = {"cell_type": entry["type"], "id": name, "metadata": {}, "source": ""}
            if entry["type"] == "code":
                cell |= {"execution_count": None, "outputs": []}
            cells.insert(place + 1, type(notebook)(cell))
            same = [cells[place + 1]]
        kept = next((c for c in same if _cell_id(c) == name), same[-1])
        for copy in same:
            if copy is not kept:
                found.append(
                    f"cell {name!r} is there more than once (copied or split): "
                    f"number {positions[id(kept)]} counts, number {positions[id(copy)]} does not"
                )
                del copy["metadata"]["nbgrader"]
        if _grade_id(kept) is None:
            if id(kept) in positions:
                found.append(f"cell {name!r} (number {positions[id(kept)]}) has lost its grading metadata")
            kept["metadata"] = type(notebook)({**kept["metadata"], "nbgrader": type(notebook)(entry["nbgrader"])})
        place = max(place, next(number for number, c in enumerate(cells) if c is kept))
    return found


def inspect(notebook: dict, expected: list[dict]) -> list[str]:
    """What is wrong with the notebook's cells; the notebook is not changed."""
    found = repair(json.loads(json.dumps(notebook)), expected)
    order = [name for name in map(_grade_id, notebook["cells"]) if name in {entry["id"] for entry in expected}]
    if not found and order != [entry["id"] for entry in expected]:
        found.append("cells were moved: a test must come after the exercise that it tests")
    return found


def unanswered(notebook: dict, expected: list[dict]) -> list[str]:
    """Names of the exercises that still hold the stub."""
    stubs = {"code": "raise NotImplementedError()", "markdown": "YOUR ANSWER HERE"}
    solutions: dict[str, str] = {
        entry["id"]: stubs[entry["type"]] for entry in expected if entry["nbgrader"].get("solution")
    }
    return [
        name
        for cell in notebook["cells"]
        if (name := _grade_id(cell)) in solutions and solutions[name] in "".join(cell["source"])
    ]


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
        notebook = json.loads(file.read_text(encoding="utf-8"))
        cells = [cell["metadata"] for cell in notebook["cells"]]
    except (ValueError, KeyError, TypeError):
        print(f"{file.name} is not a notebook file: download it again as .ipynb")
        return False
    known = manifest()
    name = next((name for name in known if name in file.name), None)
    if name is None:
        print(f"{file.name} belongs to no assignment. Assignments: {', '.join(known)}")
        return False
    found = inspect(notebook, known[name])
    if found and mend:
        backup = file.with_name(f"{file.stem}.before-repair.ipynb.bak")
        shutil.copyfile(file, backup)
        repair(notebook, known[name])
        file.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"Repaired {file.name} ({len(cells)} cells); the file as it was is {backup.name}. It had:")
        print("\n".join(f"  - {problem}" for problem in found))
        found = inspect(notebook, known[name])
    for problem in found:
        print(f"✗ {problem}")
    if found:
        print("What to do: close the notebook, run this, and open it again:")
        print(f"    python -m advcourse.grading.preflight {file.name} --repair")
        print("Or take a fresh copy of the assignment and paste your answers into its cells.")
    if file.stem != name:
        print(f"✗ hand the file in as {name}.ipynb: under the name {file.name} the grader does not find it")
    for exercise in unanswered(notebook, known[name]):
        print(f"· {exercise} is not answered yet")
    if not found and file.stem == name:
        print(f"✓ {file.name} can be handed in: all {len(known[name])} cells that the grader needs are there, once")
    return not found and file.stem == name


def _grade_id(cell: dict) -> str | None:
    return cell["metadata"].get("nbgrader", {}).get("grade_id")


def _cell_id(cell: dict) -> str | None:
    """A cell's id, where Colab keeps it too."""
    return cell.get("id") or cell["metadata"].get("id")


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
