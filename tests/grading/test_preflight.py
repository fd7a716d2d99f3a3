"""The look at a notebook before it is handed in."""

import copy
import json
import subprocess
import sys

import nbformat
import pytest
from nbconvert import HTMLExporter

from advcourse.grading import cells, preflight
from tests.grading import bank

ASSIGNMENT = "a01_ifgsm"


@pytest.fixture
def notebook():
    return bank.answered(ASSIGNMENT)


@pytest.fixture
def file(tmp_path):
    return tmp_path / f"{ASSIGNMENT}.ipynb"


def cell(notebook, name):
    return next(c for c in notebook["cells"] if c["id"] == name)


def look(file, notebook, **options):
    file.write_text(json.dumps(notebook))
    return preflight.check(file, **options)


def copied(notebook):
    twin = copy.deepcopy(cell(notebook, "ifgsm"))
    twin["id"] = "0a1b2c3d"
    notebook["cells"].insert(notebook["cells"].index(cell(notebook, "ifgsm")), twin)
    return "'ifgsm' is there more than once"


def split(notebook):
    head, tail = copy.deepcopy(cell(notebook, "curve")), cell(notebook, "curve")
    lines = "".join(tail["source"]).split("\n")
    head["source"], tail["source"], head["id"] = "\n".join(lines[:4]), "\n".join(lines[4:]), "9f8e7d6c"
    notebook["cells"].insert(notebook["cells"].index(tail), head)
    return "'curve' is there more than once"


def deleted(notebook):
    notebook["cells"].remove(cell(notebook, "test_project"))
    return "cell 'test_project' is missing"


def emptied(notebook):
    cell(notebook, "read_the_curve")["metadata"] = {}
    return "'read_the_curve' (number 32) has lost its grading metadata"


def all_lost(notebook):
    for one in notebook["cells"]:
        one["metadata"] = {}
        del one["id"]
    return "cell 'fgsm' is missing"


DAMAGES = [copied, split, deleted, emptied, all_lost]


def test_a_whole_notebook_can_be_handed_in(notebook, file, capsys):
    assert look(file, notebook)
    assert "can be handed in" in capsys.readouterr().out


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_found_and_what_to_do_is_said(notebook, file, capsys, damage):
    said = damage(notebook)
    before = json.dumps(notebook)
    assert not look(file, notebook)
    out = capsys.readouterr().out
    assert said in out
    assert f"python -m advcourse.grading.preflight {ASSIGNMENT}.ipynb --repair" in out
    assert file.read_text() == before


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_repaired(notebook, file, damage):
    damage(notebook)
    before = json.dumps(notebook)
    assert look(file, notebook, mend=True)
    mended = json.loads(file.read_text())
    assert preflight.inspect(mended, preflight.manifest()[ASSIGNMENT]) == []
    assert file.with_name(f"{ASSIGNMENT}.before-repair.ipynb.bak").read_text() == before
    sources = "\n".join("".join(c["source"]) for c in mended["cells"])
    assert all("".join(c["source"]) in sources for c in notebook["cells"])


def test_a_moved_cell_is_found(notebook, file, capsys):
    moved = cell(notebook, "test_project")
    notebook["cells"].remove(moved)
    notebook["cells"].insert(0, moved)
    assert not look(file, notebook)
    assert "cells were moved" in capsys.readouterr().out


def test_what_is_not_answered_is_listed(file, capsys):
    assert look(file, bank.released(ASSIGNMENT))
    out = capsys.readouterr().out
    assert "· fgsm is not answered yet" in out and "· read_the_curve is not answered yet" in out


def test_the_name_of_the_file_matters(notebook, tmp_path, capsys):
    assert not look(tmp_path / f"Copy of {ASSIGNMENT}.ipynb", notebook)
    assert f"hand the file in as {ASSIGNMENT}.ipynb" in capsys.readouterr().out
    assert not look(tmp_path / "homework.ipynb", notebook)
    assert "belongs to no assignment" in capsys.readouterr().out
    assert not preflight.check(tmp_path / "nowhere.ipynb")
    assert "No file" in capsys.readouterr().out
    (tmp_path / f"{ASSIGNMENT}.ipynb").write_text("<html>")
    assert not preflight.check(tmp_path / f"{ASSIGNMENT}.ipynb")
    assert "is not a notebook file" in capsys.readouterr().out


def test_as_a_command(notebook, file):
    file.write_text(json.dumps(notebook))
    command = [sys.executable, "-m", "advcourse.grading.preflight", str(file)]
    assert subprocess.run(command, capture_output=True).returncode == 0
    copied(notebook)
    file.write_text(json.dumps(notebook))
    assert subprocess.run(command, capture_output=True).returncode == 1
    assert subprocess.run([*command, "--repair"], capture_output=True).returncode == 0
    assert subprocess.run(command, capture_output=True).returncode == 0


def pasted(notebook):
    other = copy.deepcopy(next(c for c in bank.released("a02_minimal_norm")["cells"] if c["id"].startswith("test_")))
    notebook["cells"].insert(9, other)
    return f"cell {other['id']!r} (number 10) belongs to another assignment"


def pasted_with_a_name_of_ours(notebook):
    other = copy.deepcopy(next(c for c in bank.released("a02_minimal_norm")["cells"] if c["id"] == "setup"))
    notebook["cells"].insert(0, other)
    return "'setup' is there more than once (copied or split): number 5 counts, number 1 does not"


def without_ids(notebook):
    """Format 4.4, as Colab and older editors write it, with a test deleted."""
    notebook["cells"].remove(cell(notebook, "test_project"))
    for one in notebook["cells"]:
        del one["id"]
    notebook["nbformat_minor"] = 4
    return "cell 'test_project' is missing"


def ids_twice(notebook):
    cell(notebook, "title")["id"] = cell(notebook, "draft")["id"] = "fgsm"
    cell(notebook, "notation")["id"] = "is not valid"
    del cell(notebook, "project")["metadata"]["nbgrader"]
    return "'project' (number 20) has lost its grading metadata"


def nothing_of_nbgrader(notebook):
    for one in notebook["cells"]:
        one["metadata"]["nbgrader"] = None
    return "'fgsm' (number 7) has lost its grading metadata"


def colab(notebook):
    """Colab writes the state of widgets without the level ``state``; nbconvert then makes no page."""
    notebook["metadata"]["widgets"] = {preflight.WIDGETS: {"abc": {"model_name": "HTMLModel", "state": {}}}}
    notebook["cells"].remove(cell(notebook, "test_project"))
    return "cell 'test_project' is missing"


def other_widgets(notebook):
    notebook["metadata"]["widgets"] = "none"
    notebook["cells"].remove(cell(notebook, "test_project"))
    return "cell 'test_project' is missing"


def another_type(notebook):
    one = cell(notebook, "fgsm")
    one["cell_type"] = "markdown"
    del one["outputs"], one["execution_count"]
    return "cell 'fgsm' (number 7) has become a markdown cell"


REPAIRED = [pasted, pasted_with_a_name_of_ours, without_ids, ids_twice, nothing_of_nbgrader, colab, other_widgets]
REPAIRED += [another_type, *DAMAGES]


@pytest.mark.parametrize("damage", REPAIRED)
def test_a_repaired_notebook_is_valid_and_makes_a_page(notebook, file, capsys, damage):
    said = damage(notebook)
    assert not look(file, notebook)
    assert said in capsys.readouterr().out
    assert look(file, notebook, mend=True)
    mended = nbformat.read(file, as_version=4)
    nbformat.validate(json.loads(file.read_text()))
    HTMLExporter(template_name="basic").from_notebook_node(mended)
    assert look(file, json.loads(file.read_text()))
    if "widgets" in notebook["metadata"] and damage is colab:
        assert mended.metadata.widgets[preflight.WIDGETS].state.abc.model_name == "HTMLModel"


def test_colabs_state_of_widgets_is_mended_where_nothing_else_is_wrong(notebook, file):
    notebook["metadata"]["widgets"] = {preflight.WIDGETS: {"abc": {"model_name": "HTMLModel", "state": {}}}}
    assert look(file, notebook)  # it can be handed in: the graded notebook is made anew
    assert look(file, notebook, mend=True)
    HTMLExporter(template_name="basic").from_filename(str(file))


def typed_into_a_test(notebook):
    one = cell(notebook, "test_fgsm")
    one["source"] = "def fgsm(model, images, labels, eps):\n    return images\n" + "".join(one["source"])
    return "cell 'test_fgsm' (number 8) is not to be written in, but was changed"


def typed_over_the_setup(notebook):
    cell(notebook, "setup")["source"] = "import torch"
    return "cell 'setup' (number 4) is not to be written in"


def conflict(notebook):
    cell(notebook, "fgsm")["source"] = "x = 1\n<<<<<<< HEAD\nx = 2\n=======\nx = 3\n>>>>>>> mine"
    return "answer 'fgsm' (number 7) holds the marks of a merge conflict (line 2)"


def conflict_in_words(notebook):
    cell(notebook, "read_the_curve")["source"] = "One\n<<<<<<< HEAD\nTwo\n=======\nThree\n>>>>>>> mine"
    return "answer 'read_the_curve' (number 32) holds the marks of a merge conflict (line 2)"


def no_python(notebook):
    cell(notebook, "fgsm")["source"] = "def fgsm(model, images, labels, eps):\nreturn images"
    return "answer 'fgsm' (number 7) is no Python: expected an indented block"


def no_python_outside(notebook):
    cell(notebook, "fgsm")["source"] = "x = 1\nreturn x"
    return "answer 'fgsm' (number 7) is no Python: 'return' outside function, line 2"


@pytest.mark.parametrize(
    "mistake", [typed_into_a_test, typed_over_the_setup, conflict, conflict_in_words, no_python, no_python_outside]
)
def test_what_only_a_person_can_mend_is_said(notebook, file, capsys, mistake):
    said = mistake(notebook)
    for mend in (False, True):
        assert not look(file, notebook, mend=mend)
        out = capsys.readouterr().out
        assert said in out and "✓" not in out


def test_what_is_fine_is_not_complained_about(notebook, file, capsys):
    """Magics, a heading underlined with =, and what editors do to the ends of lines."""
    cell(notebook, "fgsm")["source"] = "%matplotlib inline\n!ls\nawait f()\n" + "".join(
        cell(notebook, "fgsm")["source"]
    )
    cell(notebook, "read_the_curve")["source"] = "Heading\n=======\n> quoted\n\n<<<< and >>>>"
    test = cell(notebook, "test_fgsm")
    test["source"] = "\r\n".join(f"{line}  " for line in "".join(test["source"]).split("\n")) + "\n"
    assert look(file, notebook)
    assert "✗" not in capsys.readouterr().out


def test_other_formats_are_read(notebook, file, capsys):
    """A byte order mark, and format 3: both would be graded."""
    file.write_bytes(b"\xef\xbb\xbf" + json.dumps(notebook).encode())
    assert preflight.check(file)
    old = nbformat.convert(nbformat.reads(json.dumps(notebook), as_version=4), 3)
    file.write_text(json.dumps(old))
    assert preflight.check(file)
    assert preflight.check(file, mend=True)
    nbformat.validate(json.loads(file.read_text()))
    assert json.loads(file.read_text())["nbformat_minor"] == 5
    for content in ("[]", "null", "7", "{}", '{"cells": 7}', "[" * 100_000):
        file.write_text(content)
        assert not preflight.check(file)
        assert "is not a notebook file" in capsys.readouterr().out


def test_an_emptied_answer_is_not_answered(notebook, file, capsys):
    cell(notebook, "fgsm")["source"] = "  \n"
    assert look(file, notebook)
    assert "· fgsm is not answered yet" in capsys.readouterr().out
    assert look(file, bank.released(ASSIGNMENT))
    assert "once, but 8 of them still to be answered" in capsys.readouterr().out


@pytest.mark.parametrize("assignment", bank.assignments())
def test_checksums_are_nbgraders(assignment):
    """What students' machines compute without nbgrader is what it wrote into the release."""
    expected = preflight.manifest()[assignment]
    by_name = {one["id"]: one for one in bank.released(assignment)["cells"]}
    for entry in expected:
        assert cells.checksum("".join(by_name[entry["id"]]["source"]), entry) == entry["nbgrader"]["checksum"]
