"""Damaged notebooks: what preflight says of each, what the grader's notebook of it scores, and what a repair leaves."""

import copy
import json
import warnings

import nbformat
import pytest
from nbconvert import HTMLExporter

from advcourse.grading import cells, matching, mending, preflight, released
from advcourse.grading.rebuild import rebuild
from tests.grading import damaged_files, damages, shapes
from tests.grading.damage_table import ANSWERS, FINE, REFUSED, TABLE
from tests.grading.shapes import find

DAMAGES = {**vars(damages), **vars(damaged_files)}


@pytest.fixture(autouse=True)
def course(tmp_path, monkeypatch):
    """The package knows these two assignments."""
    outlines = {shapes.NAME: matching.outline(shapes.released()), shapes.OTHER: matching.outline(shapes.other())}
    file = tmp_path / "manifest.json"
    file.write_text(released.written_manifest(outlines), encoding="utf-8")
    monkeypatch.setattr(released, "MANIFEST", file)
    assert released.manifest() == outlines


@pytest.fixture
def file(tmp_path):
    return tmp_path / f"{shapes.NAME}.ipynb"


def damaged(file, name):
    """The file of a damaged notebook, and the student's notebook as it was before."""
    notebook = shapes.answered()
    content = DAMAGES[name](notebook)
    file.write_bytes(shapes.text(notebook) if content is None else content)
    return notebook


def graded(file):
    return rebuild(cells.load(file), nbformat.from_dict(shapes.released()))


def split(names):
    return set(filter(None, names.split(", ")))


def sources(notebook):
    return [(one["cell_type"], one["source"]) for one in notebook["cells"]]


def complaints(out):
    return {line for line in out.splitlines() if line.startswith("✗")}


@pytest.mark.parametrize("name", TABLE)
def test_what_is_said_and_what_is_graded(file, capsys, name):
    damaged(file, name)
    fit = preflight.check(file)
    out = capsys.readouterr().out
    row = TABLE[name]
    assert row.says in out
    assert fit is not bool(complaints(out))

    built = graded(file)
    nbformat.validate(built)
    points = shapes.scored(built)
    assert points == {test: 0 if test in split(row.lost) else points for test, points in shapes.POINTS.items()}
    for test in shapes.POINTS:
        assert find(built, test).source == find(shapes.released(), test)["source"]
    right = shapes.answered()
    kept = {a for a in ANSWERS if find(built, a).source.splitlines() == find(right, a)["source"].splitlines()}
    assert kept == {*ANSWERS} - split(row.gone)
    if fit and "is not answered yet" not in out:
        assert not row.lost, "points are lost of which nothing was said"


@pytest.mark.parametrize("name", TABLE)
def test_a_repair_changes_nothing_that_is_graded(file, capsys, name):
    damaged(file, name)
    before, built = file.read_bytes(), graded(file)
    theirs = [one["source"] for one in cells.load(file)["cells"]]
    preflight.check(file)
    said = complaints(capsys.readouterr().out)
    preflight.check(file, mend=True)
    out = capsys.readouterr().out
    assert sources(graded(file)) == sources(built)
    assert {line.partition(" (number")[0] for line in complaints(out)} == {l.partition(" (number")[0] for l in said}

    backup = file.with_name(f"{shapes.NAME}.before-repair.ipynb.bak")
    assert ("Nothing to repair" in out) is not backup.exists()
    if backup.exists():
        assert backup.read_bytes() == before
    mended = json.loads(file.read_bytes().decode("utf-8-sig"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nbformat.validate(mended)
    if "widgets" in mended["metadata"] or "odd" in name:
        HTMLExporter(template_name="basic").from_filename(str(file))
    stubs = {one["source"] for one in shapes.released()["cells"]}
    whole = "\n".join("".join(one["source"]) for one in mended["cells"])
    assert all(source in whole for source in theirs if source not in stubs)

    preflight.check(file, mend=True)
    assert f"Nothing to repair in {file.name}" in capsys.readouterr().out


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_notebook_is_neither_graded_nor_touched(file, capsys, name):
    damaged(file, name)
    before = file.read_bytes()
    for mend in (False, True):
        assert not preflight.check(file, mend=mend)
        assert f"✗ {file.name} is not a notebook file: {REFUSED[name]}" in capsys.readouterr().out
    with pytest.raises(ValueError, match="expected a notebook"):
        graded(file)
    assert file.read_bytes() == before and [path.name for path in file.parent.glob("*.ipynb*")] == [file.name]


def test_every_damage_is_in_the_table():
    functions = {name: one.__code__ for name, one in DAMAGES.items() if hasattr(one, "__code__")}
    damaging = {name for name, code in functions.items() if code.co_varnames[: code.co_argcount] == ("given",)}
    assert damaging - {"answered", "drop", "scored", "text"} == {*TABLE, *REFUSED} and len(TABLE) > 50


def test_a_second_repair_keeps_the_first_original(file):
    damaged(file, "copied")
    first = file.read_bytes()
    preflight.check(file, mend=True)
    damaged(file, "raw")
    second = file.read_bytes()
    preflight.check(file, mend=True)
    assert file.with_name(f"{shapes.NAME}.before-repair.ipynb.bak").read_bytes() == first
    assert file.with_name(f"{shapes.NAME}.before-repair-2.ipynb.bak").read_bytes() == second


def test_a_repair_of_a_whole_notebook_is_none(file, capsys):
    file.write_bytes(shapes.text(shapes.answered()))
    before = file.read_bytes()
    assert preflight.check(file, mend=True)
    assert capsys.readouterr().out == f"Nothing to repair in {file.name}.\n{FINE}" and file.read_bytes() == before


def test_the_name_of_the_file_does_not_hide_what_is_in_it(file, capsys):
    for title in (f"{shapes.NAME} (1).ipynb", f"Copy of {shapes.NAME}.ipynb", "homework.ipynb"):
        other = file.with_name(title)
        other.write_bytes(shapes.text(shapes.answered()))
        assert not preflight.check(other)
        out = capsys.readouterr().out
        assert f"✗ hand the file in as {shapes.NAME}.ipynb: under the name {title}" in out and len(complaints(out)) == 1


def test_without_nbformat_it_is_the_same(file, capsys, monkeypatch):
    """A student's editor may bring its own kernel and no nbformat."""
    damaged(file, "unknown_ids")
    preflight.check(file)
    said = capsys.readouterr().out
    monkeypatch.setitem(__import__("sys").modules, "nbformat", None)
    preflight.check(file)
    assert capsys.readouterr().out == said and mending.is_valid({})
    notebook = cells.load(file)
    untouched = copy.deepcopy(notebook)
    preflight.inspect(notebook, released.manifest()[shapes.NAME])
    assert notebook == untouched
