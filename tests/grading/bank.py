"""Reads the submissions under tests/submissions and turns them into notebooks that a student could hand in."""

from __future__ import annotations

import ast
import copy
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "submissions"
HEADER = re.compile(r"^# %% grade_id: (\S+)[ \t]*\n", re.MULTILINE)
MARKER = re.compile(r"^[ \t]*### (BEGIN|END) SOLUTION[ \t]*(\n|\Z)", re.MULTILINE)


@dataclass(frozen=True)
class Submission:
    """One file of the bank: the points it expects where they differ from full marks, and its own answer cells."""

    name: str
    about: str
    expected: dict[str, float]
    answers: dict[str, str]


def assignments() -> list[str]:
    return sorted(folder.name for folder in (ROOT / "solutions").iterdir() if folder.is_dir())


def read(file: Path, solved: dict[str, str] | None = None) -> Submission:
    """The submission of a file; `solved` are the master's answers, by default of the assignment its folder names."""
    head, *pieces = HEADER.split(file.read_text(encoding="utf-8"))
    tree = ast.parse(head)
    stated = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and node.targets[0].id in ("EXPECTED", "REPLACE")
    }
    answers = {name: source.strip("\n") for name, source in zip(pieces[::2], pieces[1::2], strict=True)}
    if "REPLACE" in stated:
        solved = solutions(file.parent.name) if solved is None else solved
        try:
            answers |= {name: replaced(name, changes, solved, answers) for name, changes in stated["REPLACE"].items()}
        except ValueError as error:
            raise ValueError(f"{file.name}: {error}") from error
    return Submission(file.stem, " ".join(ast.get_docstring(tree).split()), stated["EXPECTED"], answers)


def replaced(name: str, changes: dict[str, str], solved: dict[str, str], answers: dict[str, str]) -> str:
    """The master's answer `name` with all texts of `changes` replaced at once, each standing in it exactly once."""
    check_known([name], solved)
    if name in answers:
        raise ValueError(f"{name} stands in REPLACE and is answered too, expected one of them")
    for text in changes:
        if (times := solved[name].count(text)) != 1:
            raise ValueError(f"{text!r} stands {times} times in the master's {name}, expected once")
    source, count = re.subn("|".join(map(re.escape, changes)), lambda found: changes[found[0]], solved[name])
    if count != len(changes):
        raise ValueError(f"texts to replace in {name} overlap: {', '.join(map(repr, changes))}")
    return source


def check_known(names: Iterable[str], solved: dict[str, str]) -> None:
    if unknown := sorted(set(names) - set(solved)):
        raise ValueError(f"no answer cell is called {', '.join(unknown)}; there are {', '.join(solved)}")


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


def solutions(assignment: str) -> dict[str, str]:
    """The master's answers, by the name of their cell."""
    return {
        cell["id"]: MARKER.sub("", "".join(cell["source"]))
        for cell in master(assignment)["cells"]
        if cell["metadata"].get("nbgrader", {}).get("solution")
    }


def answered(assignment: str, answers: dict[str, str] | None = None) -> dict:
    """The released notebook with the master's answers, some of them replaced by `answers`."""
    solved = solutions(assignment)
    check_known(answers or {}, solved)
    notebook = copy.deepcopy(released(assignment))
    for cell in notebook["cells"]:
        if cell["id"] in solved:
            cell["source"] = (solved | (answers or {}))[cell["id"]]
    return notebook


def _notebook(folder: str, assignment: str) -> dict:
    return json.loads((ROOT / folder / assignment / f"{assignment}.ipynb").read_text(encoding="utf-8"))
