"""The look at a notebook before it is handed in."""

import copy
import json
import subprocess
import sys

import pytest

from advcourse.grading import preflight
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
    sources = ["".join(c["source"]) for c in mended["cells"]]
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
