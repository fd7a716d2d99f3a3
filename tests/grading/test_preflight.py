"""The look at a notebook before it is handed in, on the real assignments; ``test_damaged`` has every kind of damage."""

import copy
import json
import subprocess
import sys

import nbformat
import pytest

from advcourse.grading import __main__, cells, matching, preflight, released
from advcourse.grading.rebuild import rebuild
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


def graded(notebook):
    return rebuild(cells.tidied(notebook), nbformat.from_dict(bank.released(ASSIGNMENT)))


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
    return "'curve' is there more than once, in pieces"


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
    return "cells have lost their grading metadata"


DAMAGES = [copied, split, deleted, emptied, all_lost]


def test_a_whole_notebook_can_be_handed_in(notebook, file, capsys):
    assert look(file, notebook)
    assert capsys.readouterr().out == f"✓ {file.name} can be handed in: the grader finds all 8 exercises\n"


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_the_grader_mends_is_said_and_costs_nothing(notebook, file, capsys, damage):
    whole = {one.id: one.source for one in graded(notebook).cells}
    said = damage(notebook)
    before = json.dumps(notebook)
    assert look(file, notebook)
    out = capsys.readouterr().out
    assert f"· {said}" in out or f"· cell {said}" in out or said in out
    assert (f"python -m advcourse.grading check {ASSIGNMENT}.ipynb --repair" in out) is (damage is not deleted)
    assert file.read_text() == before
    assert {one.id: one.source for one in graded(notebook).cells if not one.id.startswith("own-")} == whole


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_repaired(notebook, file, damage):
    damage(notebook)
    before = json.dumps(notebook)
    assert look(file, notebook, mend=True)
    mended = json.loads(file.read_text())
    nbformat.validate(mended)
    missing = ["cell 'test_project' is missing: it is put back when it is graded"] if damage is deleted else []
    assert preflight.inspect(mended, preflight.manifest()[ASSIGNMENT]) == missing
    backup = file.with_name(f"{ASSIGNMENT}.before-repair.ipynb.bak")
    assert damage is deleted or backup.read_text() == before
    sources = "\n".join("".join(c["source"]) for c in mended["cells"])
    assert all("".join(c["source"]) in sources for c in notebook["cells"])


def test_what_is_not_answered_is_listed(file, capsys):
    assert look(file, bank.released(ASSIGNMENT))
    out = capsys.readouterr().out
    assert "· fgsm is not answered yet" in out and "· read_the_curve is not answered yet" in out
    assert "finds all 8 exercises, but 8 of them still to be answered" in out


def test_what_is_no_notebook_of_the_course(notebook, tmp_path, file, capsys):
    assert not preflight.check(tmp_path / "nowhere.ipynb")
    assert "No file" in capsys.readouterr().out
    (tmp_path / "homework.ipynb").write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    assert not preflight.check(tmp_path / "homework.ipynb")
    assert "belongs to no assignment" in capsys.readouterr().out
    for content in ("", "[]", "null", "7", "{}", '{"cells": 7}', "[" * 100_000, "<html>"):
        file.write_text(content)
        assert not preflight.check(file)
        assert "is not a notebook file" in capsys.readouterr().out


@pytest.mark.parametrize("command", [["advcourse.grading.preflight"], ["advcourse.grading", "check"]])
def test_as_a_command(notebook, file, command):
    cell(notebook, "fgsm")["source"] = "def fgsm(:"
    file.write_text(json.dumps(notebook))
    run = subprocess.run([sys.executable, "-m", *command, str(file)], capture_output=True, text=True)
    assert run.returncode == 1 and "✗ answer 'fgsm' (number 7) is no Python" in run.stdout
    look(file, bank.answered(ASSIGNMENT))
    assert subprocess.run([sys.executable, "-m", *command, str(file), "--repair"], capture_output=True).returncode == 0


def test_the_command_names_its_subcommands(capsys):
    assert __main__.main([]) == 2 and __main__.main(["mark"]) == 2 and __main__.main(["--help"]) == 0
    assert "check" in capsys.readouterr().err


def other_editors(notebook):
    """Magics, a heading underlined with =, and what editors do to the ends of lines."""
    cell(notebook, "fgsm")["source"] = "%matplotlib inline\n!ls\nawait f()\n" + "".join(
        cell(notebook, "fgsm")["source"]
    )
    cell(notebook, "read_the_curve")["source"] = "Heading\n=======\n> quoted\n\n<<<< and >>>>"
    test = cell(notebook, "test_fgsm")
    test["source"] = "\r\n".join(f"{line}  " for line in "".join(test["source"]).split("\n")) + "\n"


def other_ways_to_define(notebook):
    """A name is one however it is given its value."""
    cell(notebook, "fgsm")["source"] = "(fgsm, x) = (lambda model, images, labels, eps, count: images), 1"
    cell(notebook, "project")["source"] = "from torch import clamp as project"
    cell(notebook, "ifgsm")["source"] = "if True:\n    class ifgsm:\n        pass\n    ifgsm = ifgsm()"
    cell(notebook, "success_rate")["source"] = "from helpers import *"


@pytest.mark.parametrize("change", [other_editors, other_ways_to_define])
def test_what_is_fine_is_not_complained_about(notebook, file, capsys, change):
    change(notebook)
    assert look(file, notebook)
    assert "✗" not in capsys.readouterr().out


def test_an_answer_from_the_release_before(notebook, file, capsys):
    """Its last cell and its imports were others, its first exercise had no test of its traces, one was not there."""
    for name in ("setup", "preflight"):
        one = cell(notebook, name)
        one["source"] = "".join(one["source"]) + "\n# as it was"
        about = {"id": name, "type": "code", "nbgrader": one["metadata"]["nbgrader"]}
        one["metadata"]["nbgrader"]["checksum"] = cells.checksum(one["source"], about)
    gone = ("test_fgsm_traces", "success_rate", "test_success_rate")
    notebook["cells"] = [one for one in notebook["cells"] if one["id"] not in gone]
    assert not look(file, notebook)
    out = capsys.readouterr().out
    assert "is graded. Not in it, and lost: 'success_rate' (2 points)\n" in out and out.count("✗") == 1 + 1
    assert "· cell 'setup' (number 4) is of another release: that of today is run in its place" in out


@pytest.mark.parametrize("assignment", bank.assignments())
def test_the_manifest_is_of_the_released_notebooks(assignment):
    """A student's machine, which has it alone, goes by what the grader goes by."""
    assert preflight.manifest()[assignment] == matching.outline(bank.released(assignment))
    for name in bank.assignments():
        notebook = cells.tidied(bank.answered(name))
        assert released.assignment_of(notebook, preflight.manifest()) == name


@pytest.mark.parametrize("assignment", bank.assignments())
def test_checksums_are_nbgraders(assignment):
    """What students' machines compute without nbgrader is what it wrote into the release."""
    by_name = {one["id"]: one for one in bank.released(assignment)["cells"]}
    for entry in filter(lambda one: "nbgrader" in one, preflight.manifest()[assignment]):
        assert cells.checksum("".join(by_name[entry["id"]]["source"]), entry) == entry["nbgrader"]["checksum"]


@pytest.mark.parametrize("assignment", bank.assignments())
def test_right_answers_that_go_other_ways_can_be_handed_in(assignment):
    expected = preflight.manifest()[assignment]
    for submission in bank.submissions(assignment):
        if submission.name.startswith("right_"):
            notebook = cells.tidied(bank.answered(assignment, submission.answers))
            assert preflight.inspect(notebook, expected) == [], submission.name
