"""The notebook that is graded is the released one: a student brings sources, never metadata."""

import copy
import json

import nbformat
import pytest

from advcourse.grading import cells, preflight
from advcourse.grading.rebuild import rebuild
from tests.grading.small import FULL, NAME, cell, find

WRONG = "def double(x):\n    return x"
ZERO = dict.fromkeys(FULL, 0)


def built(small, notebook):
    """The notebook that would be run."""
    file = small.root / "x.ipynb"
    file.write_text(json.dumps(notebook))
    return rebuild(cells.load(file), nbformat.from_dict(small.released()))


def tagged(notebook):
    for one in notebook["cells"]:
        one["metadata"]["tags"] = ["skip-execution", "raises-exception"]


def points(notebook):
    for one in notebook["cells"]:
        one["metadata"].get("nbgrader", {})["points"] = 100


def flags(notebook):
    for one in notebook["cells"]:
        one["metadata"].get("nbgrader", {}).update(grade=False, solution=True, locked=False)


def swapped_flags(notebook):
    find(notebook, "test_double")["metadata"]["nbgrader"].update(grade=True, solution=True, locked=False)


def schema(notebook):
    find(notebook, "double")["metadata"]["nbgrader"]["schema_version"] = 99


def old_schema(notebook):
    find(notebook, "double")["metadata"]["nbgrader"]["schema_version"] = 0


def null(notebook):
    for one in notebook["cells"]:
        one["metadata"]["nbgrader"] = None


def null_metadata(notebook):
    for one in notebook["cells"]:
        one["metadata"] = None
    notebook["metadata"] = None


def odd_types(notebook):
    find(notebook, "double")["metadata"]["nbgrader"] = {"grade_id": ["double"], "points": {}, "schema_version": "3"}
    find(notebook, "test_double")["metadata"]["nbgrader"] = "yes"


def other_kernel(notebook):
    notebook["metadata"]["kernelspec"] = {"name": "bash", "display_name": "x", "language": "bash"}
    notebook["metadata"]["language_info"] = {"name": "bash"}


def other_types(notebook):
    for one in notebook["cells"]:
        one["cell_type"] = "markdown"


def unknown_type(notebook):
    find(notebook, "title")["cell_type"] = "heading"
    find(notebook, "double")["cell_type"] = {"code": 1}


def format_minor(notebook):
    notebook["nbformat_minor"] = 99


def format_text(notebook):
    notebook["nbformat"], notebook["nbformat_minor"] = "4", None


def ids(notebook):
    for one in notebook["cells"]:
        one["id"] = "same id, not valid"


def test_written_over(notebook):
    for name in FULL:
        find(notebook, name)["source"] = "pass"


test_written_over.__test__ = False


def cells_of_another_kind(notebook):
    notebook["cells"] += [7, None, "x", {}]


def from_another_assignment(notebook):
    notebook["cells"].append(cell("test_fgsm", "assert False", grade=True, locked=True, points=9))


def surrogate(notebook):
    notebook["cells"].insert(2, cell("own", "x = '\ud800'"))


def outputs(notebook):
    for one in notebook["cells"]:
        if one["cell_type"] == "code":
            one["outputs"], one["execution_count"] = [{"output_type": "odd"}], "<script>"


DAMAGES = [tagged, points, flags, swapped_flags, schema, old_schema, null, null_metadata, odd_types, other_kernel]
DAMAGES += [other_types, unknown_type, format_minor, format_text, ids, test_written_over, cells_of_another_kind]
DAMAGES += [from_another_assignment, surrogate, outputs]


@pytest.mark.parametrize("damage", DAMAGES)
def test_metadata_decides_nothing(small, damage):
    """Whatever a student does to it, the notebook that is run is that of an untouched submission with those answers."""
    plain, damaged = small.answered(WRONG), small.answered(WRONG)
    damage(damaged)
    expected, got = built(small, plain), built(small, damaged)
    own = [one for one in got.cells if one.id.startswith("own-")]
    got.cells = [one for one in got.cells if one not in own]
    assert got == expected and all(one.metadata == {} for one in own)
    nbformat.validate(expected)


def test_outputs_of_given_cells_stay_and_become_harmless(small):
    """A figure below a cell that is not run again is the student's; below an answer or a test nothing is."""
    notebook = small.answered()
    shown = [
        {"output_type": "stream", "name": "stdout", "text": "<b>seen</b>"},
        {"output_type": "display_data", "data": {"text/html": "<script>", "text/plain": "a table"}, "metadata": {}},
    ]
    for one in notebook["cells"]:
        if one["cell_type"] == "code":
            one["outputs"] = shown
    found = {one.id: one.get("outputs", []) for one in built(small, notebook).cells if one.cell_type == "code"}
    assert [list(each.get("data", {"text": 0})) for each in found.pop("setup")] == [["text"], ["text/plain"]]
    assert all(outputs == [] for outputs in found.values())


def test_points_with_damaged_metadata(small):
    """The same through nbgrader itself, all damages in one: a wrong answer gets nothing, a right one everything."""
    for answer, expected in ((WRONG, ZERO), (None, FULL)):
        notebook = small.answered(answer) if answer else small.answered()
        for damage in (tagged, points, format_minor, other_kernel, schema, from_another_assignment, surrogate, outputs):
            damage(notebook)
        graded = small.grade("mallory", notebook)
        assert graded.points == expected and graded.waiting == ["why"]


def test_what_a_student_brings_is_kept(small):
    """Their own cells stand, plain, where they stood; a changed text of ours that is not locked too."""
    notebook = small.answered()
    own = cell("mine", "helper = 1") | {"metadata": {"tags": ["x"], "nbgrader": {"grade": True, "points": 5}}}
    notebook["cells"].insert(2, own)
    notebook["cells"].insert(0, cell("first", "zero = 0"))
    notebook["cells"].append(cell("last", "**done**", "markdown"))
    find(notebook, "essay")["source"] = "Why? I wonder."
    got = [one.source for one in built(small, notebook).cells]
    assert got[:4] == ["zero = 0", find(notebook, "title")["source"], "import advcourse", "helper = 1"]
    assert got[-3:] == ["Why? I wonder.", "Because.", "**done**"]


def test_deleted_cells_are_back(small):
    notebook = small.answered()
    notebook["cells"] = [find(notebook, "double"), find(notebook, "why")]
    assert built(small, notebook) == built(small, small.answered())


def test_answers_are_found_without_any_metadata_and_id(small):
    notebook = small.answered()
    for one in notebook["cells"]:
        one["metadata"] = {}
        del one["id"]
    notebook["nbformat_minor"] = 4
    assert built(small, notebook) == built(small, small.answered())
    notebook["cells"].insert(2, {"cell_type": "code", "metadata": {}, "source": "a = 1", "outputs": []})
    sources = [one.source for one in built(small, notebook).cells]
    assert sources.index("a = 1") < sources.index(find(small.answered(), "double")["source"])


def test_a_copy_counts_once(small):
    notebook = small.answered()
    twin = copy.deepcopy(find(notebook, "double"))
    twin["id"], twin["source"] = "twin", WRONG
    notebook["cells"].insert(2, twin)
    got = built(small, notebook)
    assert [one.source for one in got.cells if "def double" in one.source] == [WRONG, small_answer(small)]
    pasted = cell("setup", "import nothing_of_the_kind", locked=True)
    notebook["cells"].insert(0, pasted)
    assert find(built(small, notebook), "setup").source == "import advcourse"


def small_answer(small):
    return find(small.answered(), "double")["source"]


def test_a_released_notebook_gives_itself(small):
    released = small.released()
    assert [one.source for one in built(small, released).cells] == [one["source"] for one in released["cells"]]
    assert preflight.graded_cells(built(small, released)) == preflight.graded_cells(released)


def test_links_files_and_odd_names_are_refused(small):
    """What lies beside the notebook is not taken over, and a link to the master is not read."""
    small.submit(NAME, "filer", small.answered())
    folder = small.root / "course" / "submitted" / "filer" / NAME
    for name in ("advcourse.py", "page.html", "under/page.html"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("raise SystemExit")
    assert small.api.autograde(NAME, "filer")["success"]
    kept = small.root / "course" / "autograded" / "filer" / NAME
    assert [path.name for path in kept.rglob("*") if path.is_file()] == [f"{NAME}.ipynb"]

    (folder / f"{NAME}.ipynb").unlink()
    (folder / f"{NAME}.ipynb").symlink_to(small.root / "solutions" / NAME / f"{NAME}.ipynb")
    outcome = small.api.autograde(NAME, "filer")
    assert not outcome["success"] and "links to other files" in outcome["log"]

    small.submit(NAME, "<img src=x>", small.answered())
    outcome = small.api.autograde(NAME, "<img src=x>")
    assert not outcome["success"] and "has an odd name" in outcome["log"]


def test_what_is_no_notebook_stops_nobody_else(small):
    small.submit(NAME, "garbage", {})
    file = small.root / "course" / "submitted" / "garbage" / NAME / f"{NAME}.ipynb"
    for content in ("<html>", "[]", "[" * 100_000, "null", ""):
        file.write_text(content)
        outcome = small.api.autograde(NAME, "garbage")
        assert not outcome["success"] and "expected a notebook" in outcome["log"]
