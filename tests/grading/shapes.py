"""A small assignment that needs nothing to run, its older releases, and what the grader's notebook of it scores."""

from __future__ import annotations

import contextlib
import copy
import io
import json

from IPython.core.inputtransformer2 import TransformerManager

from advcourse.grading import cells

NAME, OTHER = "s02_shapes", "s03_solids"
KERNEL = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
STUB = '''def {name}({arguments}):
    """{about}

    Args:
        width: in metres.
        height: in metres.
    """
    # YOUR CODE HERE
    raise NotImplementedError()'''
TEST = "# Test of {name} ({points} points).\ndef test_{name}():\n    assert {name}(3, 4) == {value}\n\n\ntest_{name}()"
AREA = STUB.format(name="area", arguments="width, height", about="The area of a rectangle, in square metres.")
PERIMETER = STUB.format(name="perimeter", arguments="width, height", about="How long the way around is.")
DIAGONAL = STUB.format(name="diagonal", arguments="width, height", about="From one corner to the opposite one.")
LINES = {"area": "return width * height", "perimeter": "return 2 * (width + height)"}
LINES |= {"diagonal": "return math.hypot(width, height)", "volume": "return width * height * depth"}
WHY = "Because a square of side $2a$ has four times the area of one of side $a$."
POINTS = {"test_area": 2, "test_perimeter": 1, "test_diagonal": 3}
TESTS = {
    name: TEST.format(name=name, points=POINTS[f"test_{name}"], value=value)
    for name, value in {"area": 12, "perimeter": 14, "diagonal": 5}.items()
}


def cell(name: str, source: str, kind: str = "code", **flags) -> dict:
    """A released cell, with what nbgrader writes into it."""
    made = {"cell_type": kind, "id": name, "metadata": {}, "source": source}
    if kind == "code":
        made |= {"execution_count": None, "outputs": []}
    if flags:
        about = {"grade": False, "solution": False, "locked": False, "task": False, "cell_type": kind, **flags}
        about |= {"grade_id": name, "schema_version": 3}
        about["checksum"] = cells.checksum(source, {"id": name, "type": kind, "nbgrader": about})
        made["metadata"] = {"nbgrader": about}
    return made


def graded(name: str, source: str = "", *, called: str = "") -> dict:
    """The cell of a test."""
    points = POINTS.get(f"test_{name}", 2)
    return cell(called or f"test_{name}", source or TESTS[name], grade=True, locked=True, points=points)


def notebook(*content: dict) -> dict:
    head = {"metadata": copy.deepcopy(KERNEL), "nbformat": 4, "nbformat_minor": 5}
    return {"cells": copy.deepcopy(list(content)), **head}


def released() -> dict:
    return notebook(
        cell("title", "# Shapes", "markdown"),
        cell("setup", "import math", locked=True),
        cell("exercise_1", "## Exercise 1: the area", "markdown"),
        cell("area", AREA, solution=True),
        graded("area"),
        cell("exercise_2", "## Exercise 2: the way around", "markdown"),
        cell("perimeter", PERIMETER, solution=True),
        graded("perimeter"),
        cell("exercise_3", "## Exercise 3: the diagonal", "markdown"),
        cell("diagonal", DIAGONAL, solution=True),
        graded("diagonal"),
        cell("show", "print(area(1, 2), perimeter(1, 2), diagonal(1, 2))", locked=True),
        cell("question", "Why does the area grow faster than the way around?", "markdown"),
        cell("why", "YOUR ANSWER HERE", "markdown", grade=True, solution=True, points=4),
        cell("hand_in", "## Before you hand in", "markdown"),
        cell("check", "pass", locked=True),
    )


def other() -> dict:
    """Another assignment of the same course."""
    volume = STUB.format(name="volume", arguments="width, height, depth", about="The volume of a box.")
    test = "# Test of volume (2 points).\ndef test_volume():\n    assert volume(1, 2, 3) == 6\n\n\ntest_volume()"
    return notebook(
        cell("title", "# Solids", "markdown"),
        cell("setup", "import math\n\nimport nothing_of_the_kind", locked=True),
        cell("volume", volume, solution=True),
        graded("volume", test),
        cell("surface", volume.replace("volume", "surface"), solution=True),
        cell("check", "pass", locked=True),
    )


def answered(given: dict | None = None) -> dict:
    """The notebook with right answers, below the docstrings that were there."""
    made = copy.deepcopy(given or released())
    for one in made["cells"]:
        one["source"] = one["source"].replace("YOUR ANSWER HERE", WHY)
        for name, line in LINES.items():
            if f"def {name}(" in one["source"]:
                one["source"] = one["source"].replace("# YOUR CODE HERE\n    raise NotImplementedError()", line)
    return made


def find(given: dict, name: str) -> dict:
    return next(one for one in given["cells"] if one.get("id") == name)


def scored(built: dict) -> dict[str, float]:
    """Points of every test when the notebook is run from top to bottom, here, by hand."""
    space: dict = {"get_ipython": lambda: _Shell()}
    points = {}
    for one in built["cells"]:
        if one["cell_type"] != "code":
            continue
        about = one["metadata"].get("nbgrader", {})
        ran = True
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                exec(TransformerManager().transform_cell(one["source"]), space)
        except Exception:
            ran = False
        if about.get("grade"):
            assert about["grade_id"] not in points
            points[about["grade_id"]] = about["points"] if ran else 0
    return points


class _Shell:
    def run_line_magic(self, *arguments: str) -> None:
        pass

    system = run_line_magic


def text(given: dict) -> bytes:
    return json.dumps(given).encode()
