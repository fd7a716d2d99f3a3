"""A look at a notebook before it is handed in: what will the grader find in it, and can it be run?

Usage::

    python -m advcourse.grading check FILE [--repair]

It goes by the plan after which the graded notebook is made (``matching``), so it says what will be done: a line with ✗
can cost points, one with · cannot. ``manifest.json`` holds what is needed of the released notebooks.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

from advcourse.grading import cells, matching
from advcourse.grading.cells import Cell
from advcourse.grading.findings import findings
from advcourse.grading.mending import WIDGETS, is_valid, repair
from advcourse.grading.plan import Plan
from advcourse.grading.released import MANIFEST, assignment_of, manifest
from advcourse.grading.whereabouts import Remark

__all__ = ["MANIFEST", "WIDGETS", "check", "graded_cells", "inspect", "look", "main", "manifest", "unanswered"]


def graded_cells(notebook: dict) -> list[dict]:
    """The outline of a released notebook, of its graded, answer and locked cells alone."""
    return [entry for entry in matching.outline(notebook) if "nbgrader" in entry]


def inspect(notebook: dict, expected: list[dict]) -> list[str]:
    """What is to be said of the notebook's cells; the notebook is not changed.

    Args:
        notebook: as ``cells.load`` gives it.
        expected: the assignment's outline.
    """
    return [found.text for found in _findings(matching.match(cells.tidied(notebook)["cells"], expected), manifest())]


def unanswered(notebook: dict, expected: list[dict]) -> list[str]:
    """Names of the exercises that are empty or still hold the stub."""
    return _waiting(matching.match(cells.tidied(notebook)["cells"], expected))


def _findings(plan: Plan, known: dict[str, list[Cell]]) -> list[Remark]:
    return findings(plan, {name: outline for name, outline in known.items() if outline != plan.entries})


def _waiting(plan: Plan) -> list[str]:
    return [plan.entries[number]["id"] for number in plan.answers() if number in plan.cell and plan.open(number)]


def check(file: str | Path, *, mend: bool = False) -> bool:
    """Prints what is wrong with a notebook file and what to do; True if it can be handed in.

    Args:
        file: the notebook, as saved.
        mend: write the file back in order; the file as it was stays beside it.
    """
    file = Path(file)
    if not file.is_file():
        print(f"No file {file} here. Save the notebook, or download it, and run in the folder where it lies:")
        print(f"    python -m advcourse.grading check {file.name}")
        return False
    try:
        notebook = cells.load(file)
    except ValueError:
        print(f"✗ {file.name} is not a notebook file{_instead(file)}")
        return False
    known = manifest()
    name = _assignment(file.name, notebook, known)
    if name is not None and mend:
        notebook = _mend(file, notebook, known[name])
    if name is not None and not _stands(file):
        print(f"· {file.name} is no valid notebook of today's format: it is graded all the same")
    return look(file.name, notebook, command=f"python -m advcourse.grading check {file.name} --repair")


def _instead(file: Path) -> str:
    """What a file is that is no notebook, and what helps."""
    content = file.read_bytes()
    if found := re.search(rb"^<{7}( |\r?$)", content, re.MULTILINE):
        number = content.count(b"\n", 0, found.start()) + 1
        return f": it holds the marks of a merge conflict (line {number}). Take one of the two versions from git"
    if not content.strip():
        return ": it is empty. Save the notebook, or download it again as .ipynb"
    if content.lstrip()[:1] == b"{":
        return ": it ends too early, or was edited as a text. Save the notebook, or download it again as .ipynb"
    return ": download it again as .ipynb"


def _assignment(title: str, notebook: dict[str, Any], known: dict[str, list[Cell]]) -> str | None:
    return assignment_of(notebook, known) or next((name for name in known if name in title), None)


def look(title: str, notebook: dict[str, Any], *, command: str | None = None) -> bool:
    """Prints what will be found in a notebook, and what to do; True if it can be handed in.

    Args:
        title: the name of its file.
        notebook: as ``cells.load`` gives it.
        command: what puts the file in order, where there is one.
    """
    known = manifest()
    name = _assignment(title, notebook, known)
    if name is None:
        print(f"✗ {title} belongs to no assignment. Assignments: {', '.join(known)}")
        return False
    named = next((each for each in known if each in title and each != name), None)
    if named is not None:
        print(f"✗ {title} holds {name}: under this name it is graded as {named}, with 0 points. Was the file mixed up?")
        return False
    plan = matching.match(notebook["cells"], known[name])
    found = _findings(plan, known)
    if title != f"{name}.ipynb":
        text = f"hand the file in as {name}.ipynb: under the name {title} the grader does not find it"
        found.append(Remark(text, costs=True))
    for costs in (True, False):
        for one in found:
            if one.costs is costs:
                print(f"{'✗' if costs else '·'} {one.text}")
    waiting = _waiting(plan)
    for exercise in waiting:
        print(f"· {exercise} is not answered yet")
    fit = not any(one.costs for one in found)
    number = sum(map(cells.is_answer, known[name]))
    if fit:
        but = f", but {len(waiting)} of them still to be answered" if waiting else ""
        print(f"✓ {title} can be handed in: the grader finds all {number} exercises{but}")
    else:
        print("What is marked ✗ can cost points: mend it, save, and look again.")
    if command is not None and any(not one.costs for one in found) and _mended(notebook, known[name]) != notebook:
        print("To have the file put in order: close the notebook, run this in a terminal, and open it again:")
        print(f"    {command}")
    return fit


def _mended(notebook: dict[str, Any], expected: list[Cell]) -> dict[str, Any]:
    mended = copy.deepcopy(notebook)
    repair(mended, expected)
    return mended


def _mend(file: Path, notebook: dict[str, Any], expected: list[Cell]) -> dict[str, Any]:
    """Writes the notebook in order, if it is not, and returns it."""
    mended = _mended(notebook, expected)
    if mended == notebook and _stands(file):
        print(f"Nothing to repair in {file.name}.")
        return notebook
    backup, number = file.with_name(f"{file.stem}.before-repair.ipynb.bak"), 1
    while backup.exists():
        number += 1
        backup = file.with_name(f"{file.stem}.before-repair-{number}.ipynb.bak")
    shutil.copyfile(file, backup)
    text = json.dumps(mended, indent=1, ensure_ascii=False)
    if any("\ud800" <= character <= "\udfff" for character in text):
        text = json.dumps(mended, indent=1)
    new = file.with_name(f".{file.name}.new")
    new.write_text(text + "\n", encoding="utf-8")
    os.replace(new, file)
    print(f"Repaired {file.name} ({len(mended['cells'])} cells); the file as it was is {backup.name}. It had:")
    lines = inspect(notebook, expected) or ["an older or invalid format"]
    print("\n".join(f"  - {line}" for line in lines))
    return mended


def _stands(file: Path) -> bool:
    """Whether the file is a valid notebook of format 4 as it is, as far as can be told here."""
    try:
        raw = json.loads(file.read_text(encoding="utf-8"))
        state = raw["metadata"].get("widgets", {}).get(WIDGETS)
    except (ValueError, KeyError, AttributeError):
        return False
    return raw.get("nbformat") == 4 and (state is None or "state" in state) and is_valid(raw)


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m advcourse.grading check",
        description="Says what the grader will find in a notebook, before it is handed in.",
    )
    parser.add_argument("file", help="the notebook to hand in")
    parser.add_argument("--repair", action="store_true", help="put the file in order; the original is kept beside it")
    arguments = parser.parse_args(argv)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a Windows console without ✗
    return 0 if check(arguments.file, mend=arguments.repair) else 1


if __name__ == "__main__":
    raise SystemExit(main())
