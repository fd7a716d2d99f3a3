"""Grades the bank of submissions and prints what each file states beside what nbgrader gave.

python -m tests.grading.table [ASSIGNMENT ...]
"""

import sys
import tempfile
from pathlib import Path

from tests.grading import bank
from tests.grading.course import Course


def main(assignments: list[str]) -> int:
    differ = 0
    with tempfile.TemporaryDirectory() as folder:
        course = Course(Path(folder), assignments)
        for assignment in assignments:
            full = bank.full_marks(assignment)
            print(f"{assignment}: {sum(full.values()):g} autograded points")
            print(f"{'submission':42}{'stated':>7}{'given':>7}   loses")
            rows = [(s.name, s.answers, full | s.expected) for s in bank.submissions(assignment)]
            untouched = dict.fromkeys(full, 0) | dict.fromkeys(bank.manual_cells(assignment), 0)
            for name, answers, stated in [("(untouched)", None, untouched), ("(master)", {}, full), *rows]:
                notebook = bank.released(assignment) if answers is None else bank.answered(assignment, answers)
                given = course.autograde(assignment, name.strip("()"), notebook).points
                lost = ", ".join(f"{k} {full[k] - v:g}" for k, v in given.items() if k in full and v < full[k])
                mark = "" if given == stated else "   DIFFERS"
                differ += given != stated
                total, expected = sum(given.values()), sum(stated.values())
                print(f"{name:42}{expected:7g}{total:7g}   {lost or '-'}{mark}", flush=True)
    print(f"{differ} differ" if differ else "all as stated")
    return 1 if differ else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:] or bank.assignments()))
