"""A small assignment that imports nothing heavy, in a course of its own, for tests of the grading itself."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import nbformat

from tests.grading.course import Course

NAME = "s01_small"
ANSWER = "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION"
TEST = """def test_double():
    assert double(3) == 6
    ### BEGIN HIDDEN TESTS
    assert double(7) == 14
    ### END HIDDEN TESTS


test_double()"""
OTHER = "def test_negative():\n    assert double(-1) == -2\n\n\ntest_negative()"


def cell(name: str, source: str, kind: str = "code", **flags) -> dict:
    about = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3, **flags}
    made = {"cell_type": kind, "id": name, "metadata": {}, "source": source}
    if flags:
        made["metadata"]["nbgrader"] = {"grade_id": name, **about}
    return made | ({"execution_count": None, "outputs": []} if kind == "code" else {})


def master() -> dict:
    return {
        "cells": [
            cell("title", "# Small\n\n<details>Given text may hold tags.</details>", "markdown"),
            cell("setup", "import advcourse", locked=True),
            cell("double", ANSWER, solution=True),
            cell("test_double", TEST, grade=True, locked=True, points=2),
            cell("test_negative", OTHER, grade=True, locked=True, points=1),
            cell("essay", "Why?", "markdown"),
            cell("why", "A model answer.", "markdown", grade=True, solution=True, points=3),
        ],
        "metadata": {
            "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


FULL = {"test_double": 2.0, "test_negative": 1.0}


class SmallCourse(Course):
    """The small assignment, released under `root`."""

    def __init__(self, root: Path):
        (root / "solutions" / NAME).mkdir(parents=True)
        (root / "solutions" / NAME / f"{NAME}.ipynb").write_text(json.dumps(master()))
        super().__init__(root, [])
        outcome = self.api.generate_assignment(NAME, force=True, create=True)
        if not outcome["success"]:
            raise RuntimeError(outcome["log"])

    def released(self) -> dict:
        released = nbformat.read(self.root / "assignments" / NAME / f"{NAME}.ipynb", as_version=4)
        return json.loads(json.dumps(released))

    def answered(self, double: str = "def double(x):\n    return 2 * x", why: str = "Because.") -> dict:
        notebook = copy.deepcopy(self.released())
        find(notebook, "double")["source"] = double
        find(notebook, "why")["source"] = why
        return notebook

    def grade(self, student: str, notebook: dict):
        return self.autograde(NAME, student, notebook)

    def autograded(self, student: str) -> nbformat.NotebookNode:
        return nbformat.read(self.root / "course" / "autograded" / student / NAME / f"{NAME}.ipynb", as_version=4)

    def feedback(self, student: str) -> str:
        outcome = self.api.generate_feedback(NAME, student)
        if not outcome["success"]:
            raise RuntimeError(outcome["log"])
        return (self.root / "course" / "feedback" / student / NAME / f"{NAME}.html").read_text()


def find(notebook: dict, name: str) -> dict:
    return next(one for one in notebook["cells"] if one.get("id") == name)
