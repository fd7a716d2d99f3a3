"""What is expected of every damage: a phrase of the report, the points that are lost, the answers not as given."""

from __future__ import annotations

from typing import NamedTuple

ANSWERS = ("area", "perimeter", "diagonal", "why")
INVALID = "· s02_shapes.ipynb is no valid notebook of today's format: it is graded all the same"
FINE = "✓ s02_shapes.ipynb can be handed in: the grader finds all 4 exercises\n"


class Row(NamedTuple):
    """A phrase of the report, tests that give nothing, and answers that are not in their cell as they were given."""

    says: str
    lost: str = ""
    gone: str = ""


ANOTHER = "· this notebook is from another release: what it has is graded\n"
TABLE = {
    "copied": Row("· cell 'area' is there more than once (copied or split): number 5 counts, number 4 does not\n"),
    "copy_answered_above_the_stub": Row("(copied or split): number 4 counts, number 5 does not\n"),
    "copies_that_differ": Row("✗ cell 'area' is there more than once (copied or split): number 5 counts, number 4"),
    "copy_below_that_differs": Row("number 5 counts, number 4 does not, and holds something else", "test_area", "area"),
    "text_copied_and_answered_in_the_copy": Row("· cell 'why' is there more than once (copied or split): number 15"),
    "split_answer": Row("· cell 'area' is there more than once, in pieces (number 4, number 5): they are put together"),
    "split_test": Row("· cell 'test_area' is there more than once, in pieces (number 5, number 6)"),
    "deleted_test": Row("· cell 'test_area' is missing: it is put back when it is graded"),
    "deleted_answer": Row("✗ cell 'area' is missing: no answer, no points (2 points)", "test_area", "area"),
    "emptied_answer": Row("· area is not answered yet", "test_area", "area"),
    "retyped_in_a_cell_of_ones_own": Row("· cell 'area' (number 4) has lost its grading metadata"),
    "below_the_stub": Row("· answer 'area' (number 5) is in a cell of your own: it is graded, not the stub (number 4)"),
    "above_the_stub": Row("· answer 'area' (number 4) is in a cell of your own: it is graded, not the stub (number 5)"),
    "at_the_end": Row("· answer 'area' (number 17) is in a cell of your own: it is graded, not the stub (number 4)"),
    "text_below_the_stub": Row("· answer 'why' (number 15) is in a cell of your own"),
    "merged_answers": Row(
        "· cell 'perimeter' is missing; what defines it is run all the same (number 4)", "", "area, perimeter"
    ),
    "merged_into_a_later_answer": Row(
        "✗ cell 'area' is missing, and what defines it (number 6) is run after its test", "test_area", "area, perimeter"
    ),
    "merged_with_its_test": Row("· cell 'test_area' is missing: it is put back", "", "area"),
    "in_the_cell_of_another": Row("· cell 'area' (number 4) is graded as 'perimeter'", "test_area", "area"),
    "in_one_anothers_cells": Row("· cell 'area' (number 4) is graded as 'perimeter', by what it holds"),
    "moved": Row("· cells were moved ('test_area' stands before 'area'): they are run in the released order"),
    "all_lost": Row("· 10 cells have lost their grading metadata: they are known by their ids or contents"),
    "null": Row("· 10 cells have lost their grading metadata"),
    "lists": Row("· 10 cells have lost their grading metadata"),
    "pasted": Row("· cell 'test_volume' (number 6) belongs to another assignment (s03_solids): it counts as a plain"),
    "pasted_with_a_name_of_ours": Row("'setup' is there more than once (copied or split): number 3 counts, number 1"),
    "unknown_id": Row("· cell 'bonus' (number 6) is not of this assignment: it counts as a plain cell"),
    "unknown_ids": Row("· 10 cells are called otherwise here: they are known by what they hold"),
    "ids_twice": Row(INVALID),
    "raw": Row("· cell 'area' (number 4) has become a raw cell: it is graded as code"),
    "other_types": Row("· cell 'why' (number 14) has become a code cell: it is graded as markdown"),
    "older_names": Row(ANOTHER + "· cell 'rectangle' (number 4) is graded as 'area', by what it holds"),
    "older_without_an_exercise": Row(
        "✗ 'diagonal' (3 points) cannot be graded: it was deleted, or", "test_diagonal", "diagonal"
    ),
    "older_with_less_and_another_test": Row(
        "✗ this notebook is from another release: what it has is graded. Not in it, and lost: 'diagonal' (3 points)\n",
        "test_diagonal",
        "diagonal",
    ),
    "older_test": Row("· cell 'test_area' (number 5) is of another release: that of today is run in its place"),
    "older_test_of_another_name": Row("· cell 'test_rectangle' (number 5) is graded as 'test_area', by what it holds"),
    "older_stub": Row("· answer 'area' (number 4) was begun in another release", "", "area"),
    "older_function": Row("✗ answer 'area' (number 4) does not define area, which its test uses", "test_area", "area"),
    "older_where_names_were_exchanged": Row("· cell 'perimeter' (number 4) is graded as 'area', by what it holds"),
    "typed_into_a_test": Row(
        "✗ cell 'test_area' (number 5) is not to be written in, but was changed, and holds the answer of 'area'",
        "test_area",
        "area",
    ),
    "typed_over_the_setup": Row("✗ cell 'setup' (number 2) is not to be written in, but was changed: it is replaced"),
    "conflict": Row("✗ answer 'area' (number 4) holds the marks of a merge conflict (line 2)", "test_area", "area"),
    "no_python": Row("✗ answer 'area' (number 4) is no Python: expected an indented block", "test_area", "area"),
    "magics": Row(FINE, "", "area"),
    "surrogate": Row(FINE, "", "area"),
    "form_feed": Row(FINE),
    "byte_order_mark": Row(FINE),
    "sixteen_bits": Row(FINE),
    "format_3": Row(FINE),
    "ids_under_4_4": Row(INVALID),
    "no_ids_under_4_5": Row(INVALID),
    "format_of_tomorrow": Row(INVALID),
    "colab_widgets": Row(INVALID),
    "lines_as_lists": Row(FINE),
    "windows_lines": Row(FINE),
    "huge_output": Row(FINE),
    "odd_outputs": Row(INVALID),
    "empty": Row(
        "✗ none of the exercises is in this file: 0 points",
        "test_area, test_perimeter, test_diagonal",
        ", ".join(ANSWERS),
    ),
    "another_assignment": Row(
        "✗ s02_shapes.ipynb holds s03_solids: under this name it is graded as s02_shapes, with 0 points",
        "test_area, test_perimeter, test_diagonal",
        ", ".join(ANSWERS),
    ),
}
REFUSED = {
    "conflict_in_the_file": "it holds the marks of a merge conflict (line 10). Take one of the two versions from git",
    "cut_off": "it ends too early, or was edited as a text. Save the notebook",
    "a_page": "download it again as .ipynb",
}
