"""What students get: it parses, holds neither solutions nor hidden tests, and fails only where it is to be filled in.

That it agrees with the masters byte for byte is part of the cycle in test_cycle.py.
"""

import re

import nbformat
import pytest
from nbclient import NotebookClient

from advcourse.grading import preflight
from tests.grading import bank

pytestmark = pytest.mark.parametrize("assignment", bank.assignments())

REGION = re.compile(r"### BEGIN (SOLUTION|HIDDEN TESTS)\n(.*?)### END \1", re.DOTALL)


def source(cell):
    return "".join(cell["source"])


def released(assignment):
    return nbformat.read(bank.ROOT / "assignments" / assignment / f"{assignment}.ipynb", as_version=4)


def test_it_is_a_valid_notebook(assignment):
    notebook = released(assignment)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    for cell in notebook.cells:
        assert not cell.get("outputs") and cell.get("execution_count") is None
        if "nbgrader" in cell.metadata:
            assert cell.id == cell.metadata.nbgrader.grade_id


def test_it_holds_no_solution_and_no_hidden_test(assignment):
    everything = "\n".join(source(cell) for cell in released(assignment).cells)
    assert "SOLUTION" not in everything and "HIDDEN" not in everything and "Rubric" not in everything
    master = bank.master(assignment)["cells"]
    public = {line.strip() for cell in master for line in REGION.sub("", source(cell)).splitlines()}
    secret = {
        line.strip()
        for cell in master
        for _, region in REGION.findall(source(cell))
        for line in region.splitlines()
        if len(line.strip()) > 12
    } - public
    assert len(secret) > 50
    assert not secret & {line.strip() for line in everything.splitlines()}


def test_answers_are_stubs(assignment):
    cells = released(assignment).cells
    answers = [cell for cell in cells if cell.metadata.get("nbgrader", {}).get("solution")]
    assert answers
    for cell in answers:
        assert ("raise NotImplementedError()" if cell.cell_type == "code" else "YOUR ANSWER HERE") in cell.source
    expected = preflight.manifest()[assignment]
    assert preflight.unanswered(bank.released(assignment), expected) == [cell.id for cell in answers]


def test_points_are_those_announced(assignment):
    cells = released(assignment).cells
    graded = {c.id: c.metadata.nbgrader.points for c in cells if c.metadata.get("nbgrader", {}).get("grade")}
    total = re.search(r"^\| \| \| \| \d+ \| (\d+) \|$", cells[2].source, re.MULTILINE)
    assert sum(graded.values()) == float(total[1])
    for cell in cells:
        if cell.id in graded and cell.cell_type == "code":
            assert f"({graded[cell.id]:g} point" in cell.source.splitlines()[0]
    headings = re.findall(r"^## Exercise .*\((\d+) points", "\n".join(c.source for c in cells), re.MULTILINE)
    assert sum(map(int, headings)) == float(total[1])


def test_running_it_fails_only_where_it_is_to_be_filled_in(assignment):
    notebook = released(assignment)
    NotebookClient(notebook, timeout=120, allow_errors=True, kernel_name="python3").execute()
    errors = {
        cell.id: [output.ename for output in cell.outputs if output.output_type == "error"]
        for cell in notebook.cells
        if cell.cell_type == "code"
    }
    assert {name for names in errors.values() for name in names} == {"NotImplementedError"}
    assert all(errors[name] for name in bank.full_marks(assignment))
