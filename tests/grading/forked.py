"""Points of a submission without nbgrader's machinery: a process that has imported everything forks for each.

Cells run in an IPython shell, as in a notebook: the tests that depend on an answer that is not the master's, and what
they depend on. The other tests would see what the master's own run sees, and have its points. A test cell that raises
or writes to standard error scores nothing, as in nbgrader, whose own path
``test_bank.py`` walks with a sample, to the same points. A submission that ends its process or does not return is an
error here: it belongs to ``test_cycle.py``.
"""

from __future__ import annotations

import ast
import contextlib
import io
import os
import re
import tempfile
import traceback
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from multiprocessing.connection import Connection

from advcourse.grading.needs import Names, dependents, names_of, sources_of
from tests.grading import bank

CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.grading.preloaded"])


HIDDEN = re.compile(r"^[ \t]*### BEGIN HIDDEN TESTS$.*?^[ \t]*### END HIDDEN TESTS$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Cell:
    """One code cell: its source, its points where it is a test, and whether a student answers it."""

    name: str
    source: str
    points: float | None
    answer: bool

    def is_hidden(self, line: int) -> bool:
        """Whether the student's notebook lacks that line, counted from 1."""
        spans = [
            [self.source.count("\n", 0, place) + 1 for place in found.span()] for found in HIDDEN.finditer(self.source)
        ]
        return any(first <= line <= last for first, last in spans)


@dataclass(frozen=True)
class Outcome:
    """What a test gave: its points, and the error that cost them.

    Attributes:
        kind: the error's class, empty where there is none.
        words: its text.
        at_home: whether a line of the test raised it that stands in the student's notebook too.
    """

    points: float
    kind: str = ""
    words: str = ""
    at_home: bool = False


def grade(assignment: str, answers: dict[str, str] | None = None, *, seconds: float = 60) -> dict[str, float]:
    """Points of every autograded cell of the master with ``answers``, by grade_id, in the place of its own.

    Raises:
        RuntimeError: where the process ends, or has not come to its end in so many ``seconds``.
    """
    return {name: each.points for name, each in outcomes(assignment, answers, seconds=seconds).items()}


def outcomes(
    assignment: str, answers: dict[str, str] | None = None, *, seconds: float = 60, whole: bool = True
) -> dict[str, Outcome]:
    """The same with what cost the points; ``whole`` as in ``needed``."""
    cells = code_cells(assignment, answers or {})
    chosen = needed(assignment, answers, whole=whole)
    others = {c.name: Outcome(c.points) for c in cells if c.points is not None and c.name not in chosen}
    return others | run([cell for cell in cells if cell.name in chosen], seconds)


def run(cells: list[Cell], seconds: float) -> dict[str, Outcome]:
    """Run the cells in a fresh fork; what the tests among them gave."""
    found = {}
    receiver, sender = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=_work, args=(cells, sender), daemon=True)
    process.start()
    sender.close()
    try:
        for cell in cells:
            if not receiver.poll(seconds):
                raise RuntimeError(f"cell {cell.name} has not returned in {seconds} s")
            passed, kind, words, line = receiver.recv()
            if cell.points is not None:
                at_home = bool(kind) and not cell.is_hidden(line)
                found[cell.name] = Outcome(cell.points if passed else 0.0, kind, words, at_home)
    except EOFError as error:
        raise RuntimeError(f"cell {cell.name} has ended its process") from error
    finally:
        process.kill()
        process.join()
        receiver.close()
    return found


def code_cells(assignment: str, answers: dict[str, str]) -> list[Cell]:
    """The master's code cells, answered."""
    solved = {cell["id"]: cell["source"] for cell in bank.answered(assignment, answers)["cells"]}
    found = []
    for cell in bank.master(assignment)["cells"]:
        if cell["cell_type"] == "code":
            about = cell["metadata"].get("nbgrader", {})
            answer = bool(about.get("solution"))
            source = solved[cell["id"]] if answer else "".join(cell["source"])
            points = about["points"] if about.get("grade") and not answer else None
            found.append(Cell(cell["id"], source, points, answer))
    return found


@cache
def uses(assignment: str) -> dict[str, Names]:
    """Of every code cell of the master what ``names_of`` tells."""
    return {cell.name: names_of(cell.source) for cell in code_cells(assignment, {})}


def needed(assignment: str, answers: dict[str, str] | None = None, *, whole: bool = True) -> set[str]:
    """Names of these answers, of the tests that depend on them, and of the cells that both depend on.

    Where no answers are given: of all answers and tests, with what they depend on. Without ``whole`` a test is left out
    that has right versions of all the answers that it would depend on: with these it sees the master's answers only.
    """
    cells, given = code_cells(assignment, {}), uses(assignment)
    if not answers:
        return sources_of(given, {cell.name for cell in cells if cell.points is not None or cell.answer})
    changed = {name: names_of(source) for name, source in answers.items()}
    tests = {cell.name for cell in cells if cell.points is not None} & dependents(given, changed)
    if not whole:
        tests = {
            name for name in tests if name in dependents(*_without(right_versions(assignment)[name], given, changed))
        }
    return sources_of(given | changed, tests | set(answers))


def _without(names: set[str], *cells: dict[str, Names]) -> list[dict[str, Names]]:
    """The cells as if they did not define these names."""
    return [{cell: (defined - names, used) for cell, (defined, used) in each.items()} for each in cells]


@cache
def right_versions(assignment: str) -> dict[str, set[str]]:
    """Of every test the answers that ``if_wrong_before`` names there."""
    found = {}
    for cell in code_cells(assignment, {}):
        if cell.points is not None:
            calls = [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Call)]
            named = [node for node in calls if ast.unparse(node.func) == "checks.if_wrong_before"]
            found[cell.name] = {keyword.arg for node in named for keyword in node.keywords if keyword.arg}
    return found


def _work(cells: list[Cell], sender: Connection) -> None:
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    shell.showtraceback = lambda *given, **named: None
    with tempfile.TemporaryDirectory() as folder, open(os.path.join(folder, "err"), "w+b") as spill:
        os.chdir(folder)
        os.dup2(spill.fileno(), 2)
        for cell in cells:
            before, spoken = os.fstat(2).st_size, io.StringIO()
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(spoken):
                result = shell.run_cell(cell.source)
            quiet = os.fstat(2).st_size == before and not spoken.getvalue()
            sender.send((result.success and quiet, *_told(result.error_before_exec or result.error_in_exec)))


def _told(error: BaseException | None) -> tuple[str, str, int]:
    """Class and text of an error, and the line of the cell that it came through: the test's own, not a helper's."""
    if error is None:
        return "", "", 0
    frames = [(frame.f_code, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    cell = next((code.co_filename for code, _ in frames if code.co_name == "<module>"), None)
    lines = [line for code, line in frames if code.co_filename == cell]
    return type(error).__name__, str(error), lines[min(1, len(lines) - 1)] if lines else 0
