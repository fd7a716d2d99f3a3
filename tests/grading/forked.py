"""Points of a submission without nbgrader's machinery: a process that has imported everything forks for each.

Cells run in an IPython shell, as in a notebook: the tests that depend on an answer that is not the master's, and what
they depend on. The other tests would see what the master's own run sees, and have its points. A test cell that raises
or writes to standard error scores nothing, as in nbgrader, whose own path
``test_bank.py`` walks with a sample, to the same points. A submission that ends its process or does not return is an
error here: it belongs to ``test_cycle.py``.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from dataclasses import dataclass
from functools import cache
from multiprocessing import get_context
from multiprocessing.connection import Connection

from advcourse.grading.needs import Names, dependents, names_of, sources_of
from tests.grading import bank

CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.grading.preloaded"])


@dataclass(frozen=True)
class Cell:
    """One code cell: its source, its points where it is a test, and whether a student answers it."""

    name: str
    source: str
    points: float | None
    answer: bool


def grade(assignment: str, answers: dict[str, str] | None = None, *, seconds: float = 60) -> dict[str, float]:
    """Points of every autograded cell of the master with ``answers``, by grade_id, in the place of its own.

    Raises:
        RuntimeError: where the process ends, or has not come to its end in so many ``seconds``.
    """
    cells = code_cells(assignment, answers or {})
    chosen = needed(assignment, answers)
    others = {cell.name: cell.points for cell in cells if cell.points is not None and cell.name not in chosen}
    return others | run([cell for cell in cells if cell.name in chosen], seconds)


def run(cells: list[Cell], seconds: float) -> dict[str, float]:
    """Run the cells in a fresh fork; the points of the tests among them."""
    points = {}
    receiver, sender = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=_work, args=(cells, sender), daemon=True)
    process.start()
    sender.close()
    try:
        for cell in cells:
            if not receiver.poll(seconds):
                raise RuntimeError(f"cell {cell.name} has not returned in {seconds} s")
            passed = receiver.recv()
            if cell.points is not None:
                points[cell.name] = cell.points if passed else 0.0
    except EOFError as error:
        raise RuntimeError(f"cell {cell.name} has ended its process") from error
    finally:
        process.kill()
        process.join()
        receiver.close()
    return points


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


def needed(assignment: str, answers: dict[str, str] | None = None) -> set[str]:
    """Names of these answers, of the tests that depend on them, and of the cells that both depend on.

    Where no answers are given: of all answers and tests, with what they depend on.
    """
    cells, given = code_cells(assignment, {}), uses(assignment)
    if not answers:
        return sources_of(given, {cell.name for cell in cells if cell.points is not None or cell.answer})
    changed = {name: names_of(source) for name, source in answers.items()}
    tests = {cell.name for cell in cells if cell.points is not None}
    return sources_of(given | changed, tests & dependents(given, changed) | set(answers))


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
            sender.send(result.success and os.fstat(2).st_size == before and not spoken.getvalue())
