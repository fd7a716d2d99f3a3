"""Grades the bank of submissions and prints what each file states beside what it is given.

    python -m tests.grading.table [--nbgrader] [ASSIGNMENT ...]

By forks of one process (``forked.py``), a few tenths of a second each; with ``--nbgrader`` by nbgrader itself.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.grading import bank, forked
from tests.grading.course import Course

Grade = Callable[[str, str, dict], dict[str, float]]


def by_forks(assignment: str, name: str, answers: dict[str, str]) -> dict[str, float]:
    return forked.grade(assignment, answers)


def by_nbgrader(folder: Path, assignments: list[str]) -> Grade:
    course = Course(folder, assignments)

    def grade(assignment: str, name: str, answers: dict[str, str]) -> dict[str, float]:
        given = course.autograde(assignment, name, bank.answered(assignment, answers)).points
        return {cell: given.get(cell, 0.0) for cell in bank.full_marks(assignment)}

    return grade


def stubs(assignment: str) -> dict[str, str]:
    """The released answer cells: what is handed in by somebody who did nothing."""
    released = {cell["id"]: "".join(cell["source"]) for cell in bank.released(assignment)["cells"]}
    return {cell.name: released[cell.name] for cell in forked.code_cells(assignment, {}) if cell.answer}


def table(assignment: str, grade: Grade) -> int:
    """Prints the table of one assignment; how many submissions are not given what they state."""
    full, differ = bank.full_marks(assignment), 0
    print(f"{assignment}: {sum(full.values()):g} autograded points")
    print(f"{'submission':42}{'stated':>7}{'given':>7}   loses")
    rows = [(s.name, s.answers, full | s.expected) for s in bank.submissions(assignment)]
    for name, answers, stated in [("stub", stubs(assignment), dict.fromkeys(full, 0)), ("master", {}, full), *rows]:
        given = grade(assignment, name, answers)
        lost = ", ".join(f"{cell} {full[cell] - points:g}" for cell, points in given.items() if points < full[cell])
        mark = "" if given == stated else "   DIFFERS"
        differ += given != stated
        print(f"{name:42}{sum(stated.values()):7g}{sum(given.values()):7g}   {lost or '-'}{mark}", flush=True)
    return differ


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assignments", nargs="*", default=bank.assignments(), metavar="ASSIGNMENT")
    parser.add_argument("--nbgrader", action="store_true", help="by nbgrader itself, some 7 s each")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        grade = by_nbgrader(Path(folder), options.assignments) if options.nbgrader else by_forks
        differ = sum(table(assignment, grade) for assignment in options.assignments)
    print(f"{differ} differ" if differ else "all as stated")
    return 1 if differ else 0


if __name__ == "__main__":
    raise SystemExit(main())
