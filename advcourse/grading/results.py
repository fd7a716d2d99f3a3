"""What came of a submission: its state with the reason, and each cell in words.

The gradebook has the points, and the autograded notebook has what the gradebook cannot hold: which cells were not run,
and what the tests said. Both are only read, so the same two files give the same state again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbgrader.api import Grade, SubmittedAssignment

from advcourse.grading import answers, cells, pages
from advcourse.grading.autograde import HIDDEN
from advcourse.grading.marks import NOT_RUN, OURS

GRADED, PARTLY, WAITS = "graded", "partly graded", "waits for a person"
NOT_AUTOGRADED, NOTHING = "not autograded", "nothing handed in"
STATES = (GRADED, PARTLY, WAITS, NOT_AUTOGRADED, NOTHING)
"""How a submission can stand; only what is graded has a score."""

MOST_SAID = 200
"""Characters of what a test said that are shown."""

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x1b\u200e\u200f\u202a-\u202e\u2066-\u2069]")
NUMBER = re.compile(r"0x[0-9a-f]+|(?:(?<![\w)\]])[-+−])?(?<!\w)\.?\d+(?:[.,]\d+)*(?:e[-+]?\d+)?", re.IGNORECASE)


@dataclass(frozen=True)
class CellRecord:
    """What the autograded notebook holds of one cell.

    Attributes:
        said: the error that it ended with, as ``words_of`` gives it.
        not_run: our words where it was not run to its end.
        unfinished: whether it is an answer that still is the stub.
    """

    said: str = ""
    not_run: str = ""
    unfinished: bool = False


@dataclass(frozen=True)
class CellResult:
    """One graded cell: its points (None where they are not settled), the most there are, and what was said."""

    name: str
    points: float | None
    most: float
    said: str = ""


@dataclass(frozen=True)
class Outcome:
    """One submission.

    Attributes:
        state: one of ``STATES``.
        reason: per cell what is missing; empty where nothing is.
        unfinished: the answers that still are the stub.
        trouble: what is wrong with the autograded notebook, in our words.
    """

    state: str
    reason: str = ""
    cells: tuple[CellResult, ...] = ()
    unfinished: tuple[str, ...] = ()
    trouble: str = ""


def outcome_of(submission: SubmittedAssignment, folder: Path | None) -> Outcome:
    """How a submission stands.

    A submission without points for a test never came through: not autograded. One that lost points, where a test or
    what it needs was not run, is partly graded until somebody gives that test its points by hand; the points that it
    has so far are no grade. One with answers that nobody has read waits for a person. All else is graded.

    Args:
        folder: of its autograded notebooks; None where there are none, and then the gradebook decides alone.
    """
    found: list[CellResult] = []
    missing: dict[str, str] = {}
    unfinished: list[str] = []
    trouble, waits, came_through = "", False, bool(submission.notebooks)
    for notebook in sorted(submission.notebooks, key=lambda one: one.name):
        try:
            ran = read_records(folder / f"{notebook.name}.ipynb") if folder is not None else {}
        except ValueError as error:
            ran, trouble = {}, str(error)
        unfinished += [name for name, cell in ran.items() if cell.unfinished]
        order = {name: number for number, name in enumerate(ran)}
        for grade in sorted(notebook.grades, key=lambda one: (order.get(one.name, len(order)), one.name)):
            came_through &= not is_missing(grade)
            not_run = {} if grade.manual_score is not None else _not_run(grade, ran)
            missing |= {name: f"not run: {words}" for name, words in not_run.items() if name not in missing}
            if grade.needs_manual_grade:
                missing.setdefault(grade.name, "to be marked by hand")
                waits = True
            settled = not (not_run or grade.needs_manual_grade or is_missing(grade))
            said = ran.get(grade.name, CellRecord()).said if grade.score < grade.cell.max_score else ""
            found.append(CellResult(grade.name, grade.score if settled else None, grade.cell.max_score, said))
    partly = any(words.startswith("not run") for words in missing.values())
    state = PARTLY if partly else WAITS if waits else GRADED
    reason = "; ".join(f"{name}: {words}" for name, words in missing.items()) or trouble
    if not came_through:
        state, reason, trouble = NOT_AUTOGRADED, "no submission came through: see what the grading run says", ""
    return Outcome(state, reason, tuple(found), tuple(unfinished), trouble)


def is_missing(grade: Grade) -> bool:
    """Whether a test cell has no points: then autograding never came to its end."""
    return grade.name not in _written(grade) and grade.auto_score is None and grade.manual_score is None


def _not_run(grade: Grade, ran: dict[str, CellRecord]) -> dict[str, str]:
    """Why a test has lost points without having been tested: it was not run itself, or an answer before it was not."""
    own = ran.get(grade.name, CellRecord()).not_run
    if own or grade.name not in ran or grade.name in _written(grade) or (grade.auto_score or 0) >= grade.cell.max_score:
        return {grade.name: own} if own else {}
    before = list(ran)[: list(ran).index(grade.name)]
    tests = {each.name for each in grade.notebook.grades}
    return {name: ran[name].not_run for name in before if ran[name].not_run and name not in tests}


def _written(grade: Grade) -> set[str]:
    """The names of the cells that a student writes, in the notebook of that grade."""
    return {cell.name for cell in grade.notebook.notebook.solution_cells}


def read_records(file: Path) -> dict[str, CellRecord]:
    """By name and in their order, the cells of an autograded notebook that nbgrader knows.

    Raises:
        ValueError: in one line, where there is no notebook or it is damaged.
    """
    try:
        notebook = cells.load(file)
    except (OSError, ValueError) as error:
        why = "is missing" if isinstance(error, FileNotFoundError) else "is damaged"
        raise ValueError(f"autograded notebook {file.name} {why}, expected what autograding wrote") from error
    found = {}
    for cell in notebook["cells"]:
        if (name := cells.grade_id(cell)) is None:
            continue
        answer = cells.is_answer({"nbgrader": cell["metadata"]["nbgrader"]}) and cell["cell_type"] in answers.STUBS
        ours = cell["metadata"].get(OURS)
        found[name] = CellRecord(
            words_of(cell),
            one_line(ours.get(NOT_RUN, ""))[:MOST_SAID] if isinstance(ours, dict) else "",
            answer and answers.is_stub(cell["source"], cell["cell_type"]),
        )
    return found


def words_of(cell: dict[str, Any]) -> str:
    """The first error of a cell as ``name: message``, or the message alone of a check; "" if it ended well.

    One line of at most ``MOST_SAID`` characters, without control characters, and never one that quotes a hidden test.
    """
    outputs = cell.get("outputs")
    for output in outputs if isinstance(outputs, list) else []:
        if not isinstance(output, dict):
            continue
        if output.get("output_type") == "error":
            name, message = one_line(output.get("ename", "")), one_line(output.get("evalue", ""))
            checked = name == "CheckFailed" and message
            said = message if checked else f"{name}: {message}" if message else name
        elif output.get("name") == "stderr":
            said = f"wrote to the standard error: {one_line(output.get('text', ''))}"
        else:
            continue
        if _quotes_hidden(said, cell["source"]):
            return "an error whose message quotes a hidden test"
        return said if len(said) <= MOST_SAID else f"{said[: MOST_SAID - 1]}…"
    return ""


def one_line(value: Any) -> str:
    """What a student's process wrote, as one line of text without control characters."""
    given = pages.text(value)[: pages.LONGEST_TEXT]
    return " ".join(ESCAPES.sub("", given).split())


def _quotes_hidden(said: str, source: str) -> bool:
    hidden = "\n".join(found[0] for found in HIDDEN.finditer(source)).splitlines()
    lines = [one_line(line) for line in hidden if "HIDDEN TESTS" not in line]
    return any(len(line) >= 6 and line in said for line in lines)


def pattern(said: str) -> str:
    """What was said, with ``#`` for its numbers: mistakes that differ in them alone are one mistake."""
    return NUMBER.sub("#", said)


def in_words(points: float | None, most: float, said: str) -> str:
    """A cell in one line, such as "0 of 2 points: double(3) is 9, expected 6"."""
    given = "not graded yet, of" if points is None else f"{points:g} of"
    return f"{given} {most:g} point{'' if most == 1 else 's'}" + (f": {said}" if said else "")
