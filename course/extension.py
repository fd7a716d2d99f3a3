"""Gives a student more time for an assignment, or takes it back.

Usage::

    python extension.py ASSIGNMENT STUDENT DAYS

DAYS replaces an earlier extension; 0 removes it. How late the submission then is gets printed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from nbgrader.api import Gradebook

GRADEBOOK = Path(__file__).resolve().parent / "gradebook.db"


def extend(gradebook: Path, assignment: str, student: str, days: float) -> float:
    """Records the extension; returns the days by which the submission is late all the same."""
    with Gradebook(f"sqlite:///{gradebook}", "advcourse") as entries:
        entries.update_or_create_student(student)
        entries.update_or_create_submission(assignment, student)
        entries.grant_extension(assignment, student, days=days)
        return entries.find_submission(assignment, student).total_seconds_late / 86400


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("assignment")
    parser.add_argument("student")
    parser.add_argument("days", type=float)
    parser.add_argument("--gradebook", type=Path, default=GRADEBOOK)
    arguments = parser.parse_args()
    late = extend(arguments.gradebook, arguments.assignment, arguments.student, arguments.days)
    print(f"{arguments.student}: {arguments.days:g} more days for {arguments.assignment}; late by {late:.2f} days")


if __name__ == "__main__":
    main()
