"""Points of a submission without nbgrader's own machinery: a process that has imported everything forks for each.

Cells run in an IPython shell, as in a notebook; of the cells that are not graded only those run on which a graded one
depends. A cell that raises, or writes to standard error, or is still running when time is up, scores nothing, as in
nbgrader (whose own path ``test_bank.py`` walks with a sample, to the same points).
"""

from __future__ import annotations

import contextlib
import io
import os
import symtable
import tempfile
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection

from IPython.core.inputtransformer2 import TransformerManager

from tests.grading import bank

CONTEXT = get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.grading.preloaded"])


@dataclass(frozen=True)
class Cell:
    """One code cell: its source, and its points where it is graded."""

    name: str
    source: str
    points: float | None


def grade(assignment: str, answers: dict[str, str] | None = None, *, seconds: float = 60) -> dict[str, float]:
    """Points of every autograded cell of the master with ``answers`` in the place of its own.

    Args:
        assignment: its name.
        answers: sources of answer cells by grade_id; the master's where not given.
        seconds: for all cells together; what is not done by then scores 0.
    """
    cells = code_cells(assignment, answers or {})
    return run([cell for cell in cells if cell.name in needed(assignment)], seconds)


def run(cells: list[Cell], seconds: float) -> dict[str, float]:
    """Run the cells in a fresh fork; the points of those that are graded."""
    points = {cell.name: 0.0 for cell in cells if cell.points is not None}
    receiver, sender = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=_work, args=(cells, sender), daemon=True)
    process.start()
    sender.close()
    try:
        while receiver.poll(seconds):
            name, passed = receiver.recv()
            if name is None:
                break
            points[name] = next(cell.points for cell in cells if cell.name == name) if passed else 0.0
    except EOFError:  # the process has ended: what it had not reached scores nothing
        pass
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
            source = solved[cell["id"]] if about.get("solution") else "".join(cell["source"])
            graded = about.get("grade") and not about.get("solution")
            found.append(Cell(cell["id"], source, about["points"] if graded else None))
    return found


_needed: dict[str, set[str]] = {}


def needed(assignment: str) -> set[str]:
    """Names of the cells that the graded ones and the answers depend on, and their own."""
    if assignment not in _needed:
        cells = code_cells(assignment, {})
        uses = {cell.name: names(cell.source) for cell in cells}
        answered = {cell["id"] for cell in bank.master(assignment)["cells"] if cell["metadata"].get("nbgrader", {}).get("solution")}
        chosen = {cell.name for cell in cells if cell.points is not None or cell.name in answered}
        while True:
            wanted = set().union(*(uses[name][1] for name in chosen))
            more = {name for name, (defined, _) in uses.items() if defined & wanted} - chosen
            if not more:
                break
            chosen |= more
        _needed[assignment] = chosen
    return _needed[assignment]


def names(source: str) -> tuple[set[str], set[str]]:
    """Names that a cell defines for the cells after it, and those that it takes from the ones before."""
    table = symtable.symtable(TransformerManager().transform_cell(source), "cell", "exec")
    defined = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported() or s.is_namespace()}
    used, waiting = set(), [table]
    while waiting:
        scope = waiting.pop()
        waiting += scope.get_children()
        used |= {s.get_name() for s in scope.get_symbols() if s.is_referenced() and (scope is table or s.is_global())}
    return defined, used - defined


def _work(cells: list[Cell], sender: Connection) -> None:
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    shell.showtraceback = lambda *given, **named: None
    with tempfile.TemporaryDirectory() as folder, open(os.path.join(folder, "err"), "w+b") as spill:
        os.chdir(folder)
        os.dup2(spill.fileno(), 2)
        for cell in cells:
            before = os.fstat(2).st_size
            spoken = io.StringIO()
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(spoken):
                result = shell.run_cell(cell.source)
            if cell.points is not None:
                silent = os.fstat(2).st_size == before and not spoken.getvalue()
                sender.send((cell.name, result.success and silent))
        sender.send((None, True))
