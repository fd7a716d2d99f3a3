"""How a class did in one assignment, on one page: ``python -m advcourse.grading report``.

Usage::

    python -m advcourse.grading report ASSIGNMENT [--to FILE.html] [--course DIR]

The page is for teachers: it has names. It is made of the gradebook and the autograded notebooks, which are only read.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from advcourse.grading import results
from advcourse.grading.export import GradesPlugin
from advcourse.grading.opening import Unreadable, must_be_assignment, open_course, read_gradebook, with_course

MOST_MISTAKES = 5
"""How many mistakes of a cell are shown, the most common ones."""

STUB = "NotImplementedError"


@dataclass(frozen=True)
class Mistake:
    """What tests said to ``number`` submissions, their numbers aside; ``example`` is what most of them read."""

    example: str
    number: int
    numbers_differ: bool


@dataclass(frozen=True)
class CellTally:
    """One graded cell over the class.

    Attributes:
        share: mean of the points in [0, 1], over the ``number`` submissions whose points are settled; None without any.
        full: how many of them have all points.
        mistakes: the most common ones; ``others`` counts the submissions that made another one.
    """

    name: str
    most: float
    share: float | None
    full: int
    number: int
    mistakes: tuple[Mistake, ...] = ()
    others: int = 0


@dataclass(frozen=True)
class ClassTally:
    """One assignment over the class.

    Attributes:
        states: how many submissions there are in each of ``results.STATES``.
        scores: of what is graded, in order; ``so_far``, the points until now of what is partly graded or waits.
        cells: the hardest first.
        unfinished: by exercise, how many left the stub, most first.
        rows: of the exporter, by name.
    """

    assignment: str
    duedate: datetime | None
    most: float
    states: dict[str, int]
    scores: tuple[float, ...]
    so_far: tuple[float, ...]
    cells: tuple[CellTally, ...]
    unfinished: tuple[tuple[str, int], ...]
    rows: tuple[dict[str, Any], ...]

    @property
    def handed_in(self) -> int:
        """How many submissions there are."""
        return sum(self.states.values()) - self.states[results.NOTHING]

    def late(self) -> list[tuple[dict[str, Any], float]]:
        """Rows of submissions that came after their date, and by how many seconds; the latest first."""
        found = [(row, float(row["seconds_late"])) for row in self.rows if row.get("seconds_late")]
        return sorted(found, key=lambda pair: -pair[1])

    def in_short(self) -> str:
        """The scores in a sentence."""
        if not self.scores:
            return "Nobody is graded yet."
        low, high = self.scores[0], self.scores[-1]
        middle, mean = statistics.median(self.scores), statistics.fmean(self.scores)
        number = len(self.scores)
        return (
            f"{number} graded submission{'' if number == 1 else 's'}: {low:g} to {high:g} of {self.most:g} points, "
            f"median {middle:.3g}, mean {mean:.3g}."
        )


def tally(assignment: str, found: Iterable[tuple[dict[str, Any], results.Outcome]]) -> ClassTally:
    """Counts what the exporter found for one assignment."""
    pairs = sorted(found, key=lambda pair: (pair[0]["last_name"] or "", pair[0]["first_name"] or "", _id(pair)))
    rows = tuple(row for row, _ in pairs)
    cells: dict[str, list[results.CellResult]] = {}
    unfinished: Counter[str] = Counter()
    for _, outcome in pairs:
        for cell in outcome.cells if outcome.state != results.NOT_AUTOGRADED else ():
            cells.setdefault(cell.name, []).append(cell)
        unfinished.update(outcome.unfinished)
    tallies = [cell_tally(name, given) for name, given in cells.items()]
    waiting = (results.PARTLY, results.WAITS)
    return ClassTally(
        assignment,
        rows[0]["duedate"] if rows else None,
        rows[0]["max_score"] if rows else 0.0,
        {state: sum(row["state"] == state for row in rows) for state in results.STATES},
        tuple(sorted(row["score"] for row in rows if row["state"] == results.GRADED)),
        tuple(sorted(row["points_so_far"] for row in rows if row["state"] in waiting)),
        tuple(sorted(tallies, key=lambda one: (one.share is None, one.share or 0.0, one.name))),
        tuple(sorted(unfinished.items(), key=lambda pair: (-pair[1], pair[0]))),
        rows,
    )


def cell_tally(name: str, given: Sequence[results.CellResult]) -> CellTally:
    """One cell over the submissions that have it."""
    settled = [cell for cell in given if cell.points is not None]
    shares = [(cell.points or 0.0) / cell.most for cell in settled if cell.most]
    groups: dict[str, Counter[str]] = {}
    for cell in settled:
        if cell.said:
            said = "not answered: the stub is still there" if cell.said == STUB else cell.said
            groups.setdefault(results.pattern(said), Counter())[said] += 1
    mistakes = [
        Mistake(min(said, key=lambda one: (-said[one], one)), said.total(), len(said) > 1) for said in groups.values()
    ]
    mistakes.sort(key=lambda one: (-one.number, one.example))
    return CellTally(
        name,
        given[0].most,
        statistics.fmean(shares) if shares else None,
        sum(share >= 1 for share in shares),
        len(settled),
        tuple(mistakes[:MOST_MISTAKES]),
        sum(one.number for one in mistakes[MOST_MISTAKES:]),
    )


def _id(pair: tuple[dict[str, Any], results.Outcome]) -> str:
    return str(pair[0]["student_id"])


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m advcourse.grading report",
        description="Writes a page on how the class did: states, scores, the hardest cells, common mistakes.",
    )
    parser.add_argument("assignment")
    parser.add_argument("--to", type=Path, help="the page to write (default: report-ASSIGNMENT.html)")
    with_course(parser)
    asked = parser.parse_args(arguments)

    def tallied(gradebook: Any) -> tuple[ClassTally, list[str]]:
        must_be_assignment(gradebook, asked.assignment)
        plugin = GradesPlugin(parent=api, assignment=[asked.assignment])
        return tally(asked.assignment, plugin.results(gradebook)), plugin.notes

    try:
        api = open_course(asked.course)
        made, notes = read_gradebook(api, tallied)
        from advcourse.grading.report_page import report_page  # figures take a while to load

        to = asked.to or Path(f"report-{asked.assignment}.html")
        to.write_text(report_page(made), encoding="utf-8", errors="replace")
    except (Unreadable, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    for note in notes:
        print(note, file=sys.stderr)
    print(f"{to}: {made.handed_in} submissions of {len(made.rows)} students, {made.states[results.GRADED]} graded")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
