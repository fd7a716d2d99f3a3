"""What happens to sources and files: each function damages an answered notebook of ``shapes``, or gives its bytes."""

from __future__ import annotations

import copy
import json

import nbformat

from tests.grading import shapes
from tests.grading.damages import unanswer
from tests.grading.shapes import answered, find

COLAB = {"application/vnd.jupyter.widget-state+json": {"abc": {"model_name": "HTMLModel", "state": {}}}}


# what is written in cells


def typed_into_a_test(given):
    one = find(given, "test_area")
    one["source"] = find(given, "area")["source"] + "\n\n\n" + one["source"]
    unanswer(given, "area")


def typed_over_the_setup(given):
    find(given, "setup")["source"] = "import math\nimport cmath"


def conflict(given):
    find(given, "area")["source"] = "x = 1\n<<<<<<< HEAD\nx = 2\n=======\nx = 3\n>>>>>>> mine"


def conflict_in_the_file(given):
    lines = json.dumps(given, indent=1).split("\n")
    return "\n".join([*lines[:9], "<<<<<<< HEAD", lines[9], "=======", lines[9], ">>>>>>> mine", *lines[10:]]).encode()


def no_python(given):
    find(given, "area")["source"] = "def area(width, height):\nreturn width * height"


def magics(given):
    find(given, "area")["source"] = "%matplotlib inline\n!ls\n" + find(given, "area")["source"]


def surrogate(given):
    find(given, "area")["source"] += "  # \ud800"


def form_feed(given):
    find(given, "area")["source"] += "\x0c\x00"


# files


def byte_order_mark(given):
    return b"\xef\xbb\xbf" + shapes.text(given)


def sixteen_bits(given):
    return json.dumps(given, ensure_ascii=False).encode("utf-16")


def format_3(given):
    old = nbformat.convert(nbformat.from_dict(given), 3)
    return json.dumps(old).encode()


def ids_under_4_4(given):
    given["nbformat_minor"] = 4


def no_ids_under_4_5(given):
    for one in given["cells"]:
        del one["id"]


def format_of_tomorrow(given):
    given["nbformat"], given["nbformat_minor"] = "4", None


def colab_widgets(given):
    given["metadata"]["widgets"] = copy.deepcopy(COLAB)


def lines_as_lists(given):
    for one in given["cells"]:
        one["source"] = one["source"].splitlines(keepends=True)


def windows_lines(given):
    for one in given["cells"]:
        one["source"] = one["source"].replace("\n", "\r\n")


def huge_output(given):
    find(given, "show")["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x" * 5_000_000}]


def odd_outputs(given):
    find(given, "show")["outputs"], find(given, "show")["execution_count"] = [{"output_type": "odd"}, 7], "one"


def empty(given):
    given["cells"] = []


def another_assignment(given):
    return shapes.text(answered(shapes.other()))


def cut_off(given):
    return shapes.text(given)[:-700]


def a_page(given):
    return b"<!DOCTYPE html><html></html>"
