"""A class as it may be: honest, damaged, hostile, slow and unreadable submissions, each with what must come of it."""

from __future__ import annotations

import copy
import csv
import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from nbgrader.api import Gradebook

from advcourse.grading import matching
from advcourse.grading.results import GRADED, NOT_AUTOGRADED, PARTLY, WAITS
from tests.grading import bank, forked

SHARES = {"honest": 0.7, "damaged": 0.14, "hostile": 0.08, "slow": 0.03, "unreadable": 0.05}
"""How many of a class are of which kind."""


@dataclass(frozen=True)
class HandedIn:
    """One submission.

    Attributes:
        stated: points by grade_id; None where there is nothing to grade.
    """

    student: str
    kind: str
    about: str
    content: str
    stated: dict[str, float] | None


def of_a_class(assignment: str, count: int, seed: int) -> list[HandedIn]:
    """So many submissions to an assignment, in no order."""
    draw = random.Random(f"{assignment} {seed}")
    counts = {kind: max(1, round(share * count)) for kind, share in SHARES.items() if kind != "honest"}
    counts["honest"] = count - sum(counts.values())
    made = [one for kind, number in counts.items() for one in islice(cycle(KINDS[kind](assignment, draw)), number)]
    draw.shuffle(made)
    return [HandedIn(f"s{seed}{n:03d}", *one) for n, one in enumerate(made)]


Made = tuple[str, str, str, dict[str, float] | None]


def honest(assignment: str, draw: random.Random) -> list[Made]:
    """The bank's, right and wrong, and the master's answers."""
    full, found = bank.full_marks(assignment), bank.submissions(assignment)
    draw.shuffle(found)
    master = ("honest", "master", json.dumps(bank.answered(assignment)), full)
    return [master, *(("honest", s.name, text(assignment, s.answers), full | s.expected) for s in found)]


def text(assignment: str, answers: dict[str, str]) -> str:
    return json.dumps(bank.answered(assignment, answers))


def damaged(assignment: str, draw: random.Random) -> Iterator[Made]:
    """Right answers in a file that an editor, a merge or a student has changed around them."""
    for damage in DAMAGES:
        notebook = bank.answered(assignment)
        damage(notebook)
        yield "damaged", damage.__name__, json.dumps(notebook), bank.full_marks(assignment)


def metadata_lost(notebook: dict) -> None:
    for cell in notebook["cells"]:
        cell["metadata"] = {}


def tests_deleted(notebook: dict) -> None:
    notebook["cells"] = [cell for cell in notebook["cells"] if not _is_test(cell)]


def tests_emptied(notebook: dict) -> None:
    for cell in notebook["cells"]:
        if _is_test(cell):
            cell["source"] = "pass"


def points_raised(notebook: dict) -> None:
    for cell in notebook["cells"]:
        if _is_test(cell):
            cell["metadata"]["nbgrader"]["points"] = 1000
            cell["metadata"]["tags"] = ["skip-execution"]


def answers_copied(notebook: dict) -> None:
    place = next(n for n, cell in enumerate(notebook["cells"]) if _is_answer(cell))
    notebook["cells"].insert(place, copy.deepcopy(notebook["cells"][place]))


def headings_moved(notebook: dict) -> None:
    words = [cell for cell in notebook["cells"] if cell["cell_type"] == "markdown" and not cell["metadata"]]
    notebook["cells"] = [cell for cell in notebook["cells"] if cell not in words] + words


DAMAGES: list[Callable[[dict], None]] = [
    metadata_lost,
    tests_deleted,
    tests_emptied,
    points_raised,
    answers_copied,
    headings_moved,
]


def _is_test(cell: dict) -> bool:
    about = cell["metadata"].get("nbgrader", {})
    return bool(about.get("grade") and not about.get("solution"))


def _is_answer(cell: dict) -> bool:
    return cell["cell_type"] == "code" and bool(cell["metadata"].get("nbgrader", {}).get("solution"))


TRICKS = {
    "says_it_has_passed": "print('passed')\nraise SystemExit(0)",
    "ends_its_process": "import os\nos._exit(0)",
    "equals_everything": (
        "class Yes:\n    def __eq__(self, other): return True\n    __hash__ = None\n"
        "    def __getattr__(self, name): return Yes()\n    def __call__(self, *a, **k): return Yes()\n"
        "    def __bool__(self): return True\n{name} = Yes()"
    ),
    "patches_torch": (
        "import torch\ntorch.equal = torch.allclose = lambda *a, **k: True\n"
        "torch.testing.assert_close = lambda *a, **k: None\ndef {name}(*given, **named):\n    return given[0]"
    ),
    "reads_the_course": (
        "import os, pathlib\nfor folder in ('/', '/home', '/root', '/tmp', '..', '../..'):\n"
        "    print([str(p) for p in pathlib.Path(folder).rglob('*.ipynb')][:3])\n"
        "def {name}(*given, **named):\n    return None"
    ),
    "floods": "print('x' * 10**8)\ndef {name}(*given, **named):\n    return None",
    "takes_all_memory": "held = []\nwhile True:\n    held.append(bytearray(2**28))",
    "shows_html": (
        "from IPython.display import HTML, display\ndisplay(HTML('<script>alert(1)</script>'))\n"
        "def {name}(*given, **named):\n    raise ValueError('<img src=x onerror=alert(1)>')"
    ),
}


def hostile(assignment: str, draw: random.Random) -> Iterator[Made]:
    """Every code answer is a trick: none of them gives a point."""
    nothing = dict.fromkeys(bank.full_marks(assignment), 0.0)
    names = [cell["id"] for cell in bank.released(assignment)["cells"] if _is_answer(cell)]
    defined = {cell["id"]: _defined(cell) for cell in bank.master(assignment)["cells"] if cell["id"] in names}
    for about, trick in TRICKS.items():
        answers = {name: "\n".join(trick.replace("{name}", each) for each in defined[name]) for name in names}
        yield "hostile", about, text(assignment, answers), nothing


def _defined(cell: dict) -> list[str]:
    return sorted(matching.defined("".join(cell["source"]))) or [cell["id"]]


def slow(assignment: str, draw: random.Random) -> Iterator[Made]:
    """Behind one right answer stands a loop without end: that cell is lost, with the tests that depend on it."""
    full, solved = bank.full_marks(assignment), bank.solutions(assignment)
    last = [cell["id"] for cell in bank.released(assignment)["cells"] if _is_answer(cell)][-1]
    stated = full | dict.fromkeys(forked.needed(assignment, {last: solved[last]}) & full.keys(), 0.0)
    for about, end in {
        "computes": "while True:\n    pass",
        "waits": "import time\nwhile True:\n    time.sleep(1)",
    }.items():
        yield "slow", f"{about} for ever", text(assignment, {last: f"{solved[last]}\n\n{end}"}), stated


def unreadable(assignment: str, draw: random.Random) -> list[Made]:
    """Files that are no notebook."""
    whole = json.dumps(bank.answered(assignment))
    contents = {"cut off": whole[: len(whole) // 2], "empty": "", "a list": "[]", "bytes": "\x00\x01PDF"}
    return [("unreadable", about, content, None) for about, content in contents.items()]


KINDS = {"honest": honest, "damaged": damaged, "hostile": hostile, "slow": slow, "unreadable": unreadable}


# -- what came of it


def hand_in(root: Path, assignment: str, handed: list[HandedIn]) -> None:
    """Lay the files where the course under ``root`` looks for them."""
    for each in handed:
        folder = root / "course" / "submitted" / each.student / assignment
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{assignment}.ipynb").write_text(each.content, encoding="utf-8")
        (folder / "timestamp.txt").write_text("2026-03-04 12:00:00 UTC\n", encoding="utf-8")


def exported(root: Path, assignment: str) -> dict[str, dict[str, str]]:
    """The rows of the course's exported grades, by student."""
    file = root / f"{assignment}.csv"
    line = [sys.executable, "-m", "advcourse.grading", "export", "--assignment", assignment, "--to", str(file)]
    subprocess.run(line, cwd=root / "course", check=True, capture_output=True)
    with file.open(encoding="utf-8", newline="") as rows:
        return {row["student_id"]: row for row in csv.DictReader(rows)}


def surprises(root: Path, assignment: str, handed: list[HandedIn], said: str) -> dict[str, str]:
    """Where something else came of a submission than is stated.

    Args:
        said: what the run that graded them said.
    """
    rows, found = exported(root, assignment), {}
    through = WAITS if bank.manual_cells(assignment) else GRADED
    with Gradebook(f"sqlite:///{root / 'course' / 'gradebook.db'}", "advcourse") as gradebook:
        for each in handed:
            row = rows.get(each.student, {"state": NOT_AUTOGRADED, "reason": each.student in said and said})
            expected, given = {through}, None
            if each.kind == "unreadable":
                expected = {NOT_AUTOGRADED}
            else:
                grades = gradebook.find_submission(assignment, each.student).notebooks[0].grades
                given = {grade.name: grade.auto_score for grade in grades if grade.name in each.stated}
            if each.kind in ("hostile", "slow"):
                expected |= {PARTLY}
            if row["state"] not in expected or (row["state"] in (PARTLY, NOT_AUTOGRADED) and not row["reason"]):
                found[each.student] = f"{each.about}: {row['state']} ({row['reason']})"
            if given != each.stated:
                found[each.student] = f"{each.about}: {given}, expected {each.stated}"
    return found
