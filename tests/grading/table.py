"""Grades the bank of submissions and prints what each file states beside what it is given.

    python -m tests.grading.table [--trial | --nbgrader] [--draws N] [--kind right] [ASSIGNMENT ...]

By forks of one process (``forked.py``), a few tenths of a second each; with ``--trial`` in the two processes in which
submissions are graded, with the processor seconds of both; with ``--nbgrader`` by nbgrader itself. With ``--draws``
each is graded so many times: hidden tests draw their inputs anew each time.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import fmean, median

from tests.grading import bank, forked, tried
from tests.grading.course import Course

Grade = Callable[[str, str, dict], dict[str, float]]


def by_forks(assignment: str, name: str, answers: dict[str, str]) -> dict[str, float]:
    return forked.grade(assignment, answers)


def by_trial(grader: tried.Grader) -> Grade:
    return lambda assignment, name, answers: grader.grade(assignment, answers)


def by_nbgrader(folder: Path, assignment: str) -> Grade:
    folder.mkdir()
    course = Course(folder, [assignment])

    def grade(assignment: str, name: str, answers: dict[str, str]) -> dict[str, float]:
        given = course.autograde(assignment, name, bank.answered(assignment, answers)).points
        return {cell: given.get(cell, 0.0) for cell in bank.full_marks(assignment)}

    return grade


def stubs(assignment: str) -> dict[str, str]:
    """The released answer cells: what is handed in by somebody who did nothing."""
    released = {cell["id"]: "".join(cell["source"]) for cell in bank.released(assignment)["cells"]}
    return {cell.name: released[cell.name] for cell in forked.code_cells(assignment, {}) if cell.answer}


def table(
    assignment: str, grade: Grade, seconds: Callable[[], float] | None = None, draws: int = 1, kind: str = ""
) -> int:
    """Prints the table of one assignment; how many submissions are not given what they state, in one draw or more."""
    full, differ = bank.full_marks(assignment), 0
    print(f"{assignment}: {sum(full.values()):g} autograded points")
    taken: list[float] = []
    print(f"{'submission':42}{'stated':>7}{'given':>7}   loses")
    found = [s for s in bank.submissions(assignment) if s.name.startswith(kind)]
    rows = [(s.name, s.answers, full | s.expected) for s in found]
    for name, answers, stated in [("stub", stubs(assignment), dict.fromkeys(full, 0)), ("master", {}, full), *rows]:
        each = [grade(assignment, name, answers) for _ in range(draws)]
        unlike = [given for given in each if given != stated]
        given = unlike[0] if unlike else each[0]
        lost = ", ".join(f"{cell} {full[cell] - points:g}" for cell, points in given.items() if points < full[cell])
        mark = f"   DIFFERS in {len(unlike)} of {draws}" if unlike else ""
        differ += bool(unlike)
        print(f"{name:42}{sum(stated.values()):7g}{sum(given.values()):7g}   {lost or '-'}{mark}", flush=True)
        if seconds:
            taken.append(seconds())
    if taken:
        print(f"processor seconds: median {median(taken):.2f}, mean {fmean(taken):.2f}, most {max(taken):.2f}")
    return differ


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assignments", nargs="*", default=bank.assignments(), metavar="ASSIGNMENT")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--trial", action="store_true", help="in the two processes of a grading run")
    how.add_argument("--nbgrader", action="store_true", help="by nbgrader itself")
    parser.add_argument("--draws", type=int, default=1, metavar="N", help="grade each so many times (default 1)")
    parser.add_argument("--kind", choices=("right", "wrong"), default="", help="of the bank only these files")
    options = parser.parse_args()
    if options.draws < 1:
        parser.error(f"--draws is {options.draws}, expected 1 or more")
    more, differ = (options.draws, options.kind), 0
    with tempfile.TemporaryDirectory() as folder:
        for assignment in options.assignments:
            if options.trial:
                with tried.grader(assignment) as grader:
                    differ += table(assignment, by_trial(grader), lambda grader=grader: grader.seconds, *more)
            elif options.nbgrader:
                differ += table(assignment, by_nbgrader(Path(folder, assignment), assignment), None, *more)
            else:
                differ += table(assignment, by_forks, None, *more)
    print(f"{differ} differ" if differ else "all as stated")
    return 1 if differ else 0


if __name__ == "__main__":
    raise SystemExit(main())
