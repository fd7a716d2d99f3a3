"""Breaks a master's answers in every way of a list, and reports what no test notices.

Usage::

    python -m advcourse.grading mutate ASSIGNMENT [--only FUNCTION] [--named TEXT] [--list] [--workers N]

Each mutant has one thing changed (``mutations``); the tests that depend on it run, visible and hidden parts, in a
forked process, until one fails. A mutant that all of them pass survives. One that can be told from the master by
nothing that the exercise asks for is excused by its name, with the reason, in
``tests/submissions/ASSIGNMENT/equivalent.toml``. The exit status is 0 if at most 5 % of the others survive and every
excuse is needed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from advcourse.grading import cells
from advcourse.grading.mutant_runs import CodeCell, imports, verdicts
from advcourse.grading.mutant_table import report
from advcourse.grading.mutations import Mutant, mutants
from advcourse.grading.statements import OPERATORS

LARGEST_SHARE = 0.05
"""Mutants that may survive, of those that are not excused."""

AT_ONCE = 40
"""Mutants that are forked from one process."""


@dataclass(frozen=True)
class Result:
    """What became of a mutant.

    Attributes:
        mutant: which.
        killed_by: the test that notices it, with ``(time)`` or ``(ended)`` where it does not return; None if none does.
        reason: why it is excused, if it is.
    """

    mutant: Mutant
    killed_by: str | None
    reason: str | None


def code_cells(master: Path) -> list[CodeCell]:
    """The code cells of a master.

    Raises:
        ValueError: where the file is no notebook.
    """
    found: list[CodeCell] = []
    for each in cells.load(master)["cells"]:
        if each["cell_type"] == "code":
            about = each["metadata"].get("nbgrader", {})
            answer, graded = bool(about.get("solution")), bool(about.get("grade"))
            name = cells.grade_id(each) or cells.cell_id(each) or f"cell {len(found) + 1}"
            found.append(CodeCell(name, each["source"], is_test=graded and not answer, is_answer=answer))
    return found


def all_mutants(given: Sequence[CodeCell], only: str | None = None, named: str | None = None) -> list[Mutant]:
    """The mutants of a master's answers, in order; of one function or answer, or with a text in their names, if asked.

    Raises:
        ValueError: where an answer is no Python, or there is none of that name.
    """
    found = [each for cell in given if cell.is_answer for each in mutants(cell.source, OPERATORS, cell.name)]
    known = sorted({each.function for each in found} | {each.cell for each in found})
    if only is not None and only not in known:
        raise ValueError(f"--only is {only!r}, expected one of {', '.join(known)}")
    chosen = [each for each in found if only in (None, each.function, each.cell)]
    return [each for each in chosen if named is None or named in each.name]


def excuses(file: Path) -> dict[str, str]:
    """Names of equivalent mutants with the reason why each is one; none where there is no file.

    Raises:
        ValueError: where the file has another form, a mutant twice, or no reason.
    """
    found: dict[str, str] = {}
    if not file.exists():
        return found
    try:
        entries = tomllib.loads(file.read_text(encoding="utf-8")).get("excused", [])
        for entry in entries:
            for name in entry["mutants"]:
                if not entry["reason"].strip():
                    raise ValueError(f"reason is {entry['reason']!r}, expected why {name!r} is equivalent")
                if name in found:
                    raise ValueError(f"{name!r} stands there twice, expected once")
                found[name] = entry["reason"]
    except (KeyError, TypeError, AttributeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(
            f"{file.name} is something else, expected [[excused]] with reason and mutants: {error}"
        ) from error
    return found


def try_out(
    given: Sequence[CodeCell],
    chosen: Sequence[Mutant],
    reasons: dict[str, str],
    *,
    workers: int = 1,
    seconds: float = 5,
) -> Iterator[Result]:
    """What becomes of each of these mutants, as it is known.

    Args:
        given: the master's code cells.
        chosen: the mutants.
        reasons: what is excused.
        workers: processes that run mutants at once.
        seconds: of processor time for a cell; ten times what the master takes where that is more.

    Raises:
        RuntimeError: where the master itself fails a test.
    """
    parts = []
    for name in dict.fromkeys(each.cell for each in chosen):
        mine = [each for each in chosen if each.cell == name]
        parts += [mine[start : start + AT_ONCE] for start in range(0, len(mine), AT_ONCE)]
    with ProcessPoolExecutor(workers, get_context("spawn"), imports, (list(given),)) as pool:
        jobs = [
            pool.submit(verdicts, list(given), part[0].cell, [each.source for each in part], seconds) for part in parts
        ]
        try:
            for part, job in zip(parts, jobs, strict=True):
                for mutant, killed_by in zip(part, job.result(), strict=True):
                    yield Result(mutant, killed_by, reasons.get(mutant.name))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def wrong_excuses(results: Sequence[Result], reasons: dict[str, str], every: Sequence[Mutant]) -> list[str]:
    """Excuses that are not needed: of mutants that a test kills, and of those that do not exist."""
    known = {each.name for each in every}
    lines = [f"excused, and there is no such mutant: {name}" for name in reasons if name not in known]
    return lines + [
        f"excused, and killed by {each.killed_by}: {each.mutant.name}"
        for each in results
        if each.reason is not None and each.killed_by is not None
    ]


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m advcourse.grading mutate",
        description="Breaks a master's answers in every way of a list, and reports what no test notices.",
    )
    parser.add_argument("assignment")
    parser.add_argument("--only", metavar="FUNCTION", help="mutants of one function, or of one answer cell")
    parser.add_argument("--named", metavar="TEXT", help="mutants whose name has this text in it")
    parser.add_argument("--list", action="store_true", help="print their names, and run none")
    parser.add_argument("--workers", type=int, default=1, help="processes that run mutants at once (default: 1)")
    parser.add_argument("--root", type=Path, default=Path(), help="the repository's folder (default: this one)")
    options = parser.parse_args(arguments)
    if options.workers < 1:
        parser.error(f"--workers is {options.workers}, expected at least 1")
    file = options.root / "solutions" / options.assignment / f"{options.assignment}.ipynb"
    if not file.is_file():
        known = ", ".join(sorted(path.parent.name for path in options.root.glob("solutions/*/*.ipynb")))
        parser.error(f"assignment is {options.assignment!r}, expected one of {known}")
    try:
        given = code_cells(file)
        every, chosen = all_mutants(given), all_mutants(given, options.only, options.named)
        reasons = excuses(options.root / "tests" / "submissions" / options.assignment / "equivalent.toml")
    except ValueError as error:
        parser.error(str(error))
    if options.list:
        print("\n".join(each.name for each in chosen))
        return 0
    results = []
    try:
        for result in try_out(given, chosen, reasons, workers=options.workers):
            results.append(result)
            if result.killed_by is None and result.reason is None:
                print(f"survives: {result.mutant.name}", file=sys.stderr, flush=True)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    wrong = wrong_excuses(results, reasons, every)
    print(report(options.assignment, results, wrong))
    counted = [each for each in results if each.reason is None]
    survivors = sum(each.killed_by is None for each in counted)
    return 1 if wrong or survivors > LARGEST_SHARE * len(counted) else 0


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    raise SystemExit(main())
