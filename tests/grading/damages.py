"""What happens to the cells of notebooks: each function damages an answered one of ``shapes``."""

from __future__ import annotations

import copy

from tests.grading import shapes
from tests.grading.shapes import answered, cell, find, graded, released


def place(given: dict, name: str) -> int:
    return given["cells"].index(find(given, name))


def own(source: str, kind: str = "code", name: str = "0a1b2c3d") -> dict:
    return cell(name, source, kind)


def twin(given: dict, name: str, source: str, *, below: bool) -> None:
    made = copy.deepcopy(find(given, name)) | {"id": "7d1e", "source": source}
    given["cells"].insert(place(given, name) + below, made)


def drop(given: dict, *names: str) -> None:
    given["cells"] = [one for one in given["cells"] if one["id"] not in names]


def unanswer(given: dict, name: str) -> None:
    find(given, name)["source"] = find(released(), name)["source"]


def renamed(given: dict, name: str, new: str) -> None:
    one = find(given, name)
    one["id"] = one["metadata"]["nbgrader"]["grade_id"] = new


# copies, pieces, deletions


def copied(given):
    twin(given, "area", find(given, "area")["source"], below=False)


def copy_answered_above_the_stub(given):
    twin(given, "area", find(given, "area")["source"], below=False)
    unanswer(given, "area")


def copies_that_differ(given):
    twin(given, "area", "def area(width, height):\n    return 7", below=False)


def copy_below_that_differs(given):
    twin(given, "area", "def area(width, height):\n    return 7", below=True)


def text_copied_and_answered_in_the_copy(given):
    twin(given, "why", shapes.WHY, below=True)
    unanswer(given, "why")


def split(given, name, at):
    lines = find(given, name)["source"].split("\n")
    twin(given, name, "\n".join(lines[:at]), below=False)
    find(given, name)["source"] = "\n".join(lines[at:])


def split_answer(given):
    split(given, "area", 7)


def split_test(given):
    split(given, "test_area", 2)


def deleted_test(given):
    drop(given, "test_area")


def deleted_answer(given):
    drop(given, "area")


def emptied_answer(given):
    find(given, "area")["source"] = "  \n"


def retyped_in_a_cell_of_ones_own(given):
    given["cells"].insert(place(given, "area"), own(find(given, "area")["source"]))
    drop(given, "area")


def below_the_stub(given):
    given["cells"].insert(place(given, "area") + 1, own(find(given, "area")["source"]))
    unanswer(given, "area")


def above_the_stub(given):
    given["cells"].insert(place(given, "area"), own(find(given, "area")["source"]))
    unanswer(given, "area")


def at_the_end(given):
    given["cells"].append(own(find(given, "area")["source"]))
    unanswer(given, "area")


def text_below_the_stub(given):
    given["cells"].insert(place(given, "why") + 1, own(shapes.WHY, "markdown"))
    unanswer(given, "why")


def merged_answers(given):
    find(given, "area")["source"] += "\n\n\n" + find(given, "perimeter")["source"]
    drop(given, "perimeter")


def merged_into_a_later_answer(given):
    one = find(given, "perimeter")
    one["source"] = find(given, "area")["source"] + "\n\n\n" + one["source"]
    drop(given, "area")


def merged_with_its_test(given):
    find(given, "area")["source"] += "\n" + find(given, "test_area")["source"]
    drop(given, "test_area")


def in_the_cell_of_another(given):
    find(given, "area")["source"] = find(given, "perimeter")["source"]
    drop(given, "perimeter")


def in_one_anothers_cells(given):
    one, two = find(given, "area"), find(given, "perimeter")
    one["source"], two["source"] = two["source"], one["source"]


def moved(given):
    one = find(given, "test_area")
    given["cells"].remove(one)
    given["cells"].insert(2, one)


# metadata, ids, types


def all_lost(given):
    given["nbformat_minor"] = 4
    for one in given["cells"]:
        one["metadata"] = {}
        del one["id"]


def null(given):
    for one in given["cells"]:
        one["metadata"]["nbgrader"] = None


def lists(given):
    given["metadata"] = []
    for one in given["cells"]:
        one["metadata"] = []


def pasted(given):
    given["cells"].insert(5, find(shapes.other(), "test_volume"))


def pasted_with_a_name_of_ours(given):
    given["cells"].insert(0, find(shapes.other(), "setup"))


def unknown_id(given):
    given["cells"].insert(5, cell("bonus", "def bonus():\n    return 1", solution=True))


def unknown_ids(given):
    for number, one in enumerate(given["cells"]):
        if one["metadata"]:
            renamed(given, one["id"], f"cell-{number}a7f")


def ids_twice(given):
    find(given, "title")["id"] = find(given, "exercise_1")["id"] = "same id, not valid"


def raw(given):
    one = find(given, "area")
    one["cell_type"] = "raw"
    del one["outputs"], one["execution_count"]


def other_types(given):
    raw(given)
    find(given, "area")["cell_type"] = "markdown"
    find(given, "why").update(cell_type="code", outputs=[], execution_count=None)


# older releases


def older_names(given):
    renamed(given, "area", "rectangle")
    renamed(given, "test_area", "test_rectangle")
    renamed(given, "why", "reason")


def older_without_an_exercise(given):
    drop(given, "exercise_3", "diagonal", "test_diagonal")


def older_with_less_and_another_test(given):
    older_without_an_exercise(given)
    older_test(given)


def older_test(given):
    source = "# Test of area (2 points).\ndef test_area():\n    assert area(1, 1) == 1\n\n\ntest_area()"
    given["cells"][place(given, "test_area")] = graded("area", source)


def older_test_of_another_name(given):
    source = shapes.TESTS["area"].replace("area(3, 4) == 12", "area(2, 3) == 6")
    given["cells"][place(given, "test_area")] = graded("area", source, called="test_rectangle")


def older_stub(given):
    stub = shapes.AREA.replace("in square metres", "in square feet")
    old = answered(shapes.notebook(cell("area", stub, solution=True)))["cells"][0]
    given["cells"][place(given, "area")] = old


def older_function(given):
    """The exercise, its function and its test had another name."""
    old = shapes.AREA.replace("def area", "def surface_of")
    made = cell("surface_of", old, solution=True)
    made["source"] = old.replace("# YOUR CODE HERE\n    raise NotImplementedError()", "return width * height")
    given["cells"][place(given, "area")] = made
    test = shapes.TESTS["area"].replace("area", "surface_of")
    given["cells"][place(given, "test_area")] = graded("surface_of", test)


def older_where_names_were_exchanged(given):
    one, two = find(given, "area"), find(given, "perimeter")
    for old, name in ((one, "perimeter"), (two, "area")):
        old["metadata"]["nbgrader"]["grade_id"] = old["id"] = name
