"""Reads the submissions under tests/submissions and turns them into notebooks that a student could hand in."""

from __future__ import annotations

import ast
import copy
import json
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "submissions"
HEADER = re.compile(r"^# %% grade_id: (\S+)[ \t]*\n", re.MULTILINE)
MARKER = re.compile(r"^[ \t]*### (BEGIN|END) SOLUTION[ \t]*(\n|\Z)", re.MULTILINE)


@dataclass(frozen=True)
class Submission:
    """One file of the bank: the points it expects where they differ from full marks, and its answer cells."""

    name: str
    about: str
    expected: dict[str, float]
    answers: dict[str, str]


def assignments() -> list[str]:
    return sorted(folder.name for folder in (ROOT / "solutions").iterdir() if folder.is_dir())


def read(file: Path) -> Submission:
    text = file.read_text(encoding="utf-8")
    tree = ast.parse(text)
    expected = next(
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and node.targets[0].id == "EXPECTED"
    )
    pieces = HEADER.split(text)[1:]
    answers = {name: source.strip("\n") for name, source in zip(pieces[::2], pieces[1::2], strict=True)}
    return Submission(file.stem, " ".join(ast.get_docstring(tree).split()), expected, answers)


def submissions(assignment: str) -> list[Submission]:
    return [read(file) for file in sorted((FOLDER / assignment).glob("*.py"))]


def master(assignment: str) -> dict:
    return _notebook("solutions", assignment)


def released(assignment: str) -> dict:
    return _notebook("assignments", assignment)


def full_marks(assignment: str) -> dict[str, float]:
    """Points of every autograded cell."""
    graded = [cell["metadata"].get("nbgrader", {}) for cell in master(assignment)["cells"]]
    return {g["grade_id"]: g["points"] for g in graded if g.get("grade") and not g.get("solution")}


def manual_cells(assignment: str) -> list[str]:
    graded = [cell["metadata"].get("nbgrader", {}) for cell in master(assignment)["cells"]]
    return [g["grade_id"] for g in graded if g.get("grade") and g.get("solution")]


def answered(assignment: str, answers: dict[str, str] | None = None) -> dict:
    """The released notebook with the master's answers, some of them replaced by `answers`."""
    answers = dict(answers or {})
    solved = {
        cell["id"]: MARKER.sub("", "".join(cell["source"]))
        for cell in master(assignment)["cells"]
        if cell["metadata"].get("nbgrader", {}).get("solution")
    }
    unknown = set(answers) - set(solved)
    if unknown:
        raise ValueError(f"no answer cell is called {', '.join(unknown)}; there are {', '.join(solved)}")
    notebook = copy.deepcopy(released(assignment))
    for cell in notebook["cells"]:
        if cell["id"] in solved:
            cell["source"] = answers.get(cell["id"], solved[cell["id"]])
    return notebook


def _notebook(folder: str, assignment: str) -> dict:
    return json.loads((ROOT / folder / assignment / f"{assignment}.ipynb").read_text(encoding="utf-8"))
