"""Grades as files that a learning platform takes: ``python -m advcourse.grading export``.

Usage::

    python -m advcourse.grading export [--format csv|moodle|canvas] [--to FILE] [--assignment A]

Only what is graded has a grade. Elsewhere the field is empty: Moodle's feedback column then names the state, and for
Canvas, which takes grades alone, the command says it on the standard error.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from advcourse.grading.export import COLUMNS, GradesPlugin, harmless_row, not_a_formula
from advcourse.grading.opening import Unreadable, must_be_assignment, open_course, read_gradebook, with_course
from advcourse.grading.results import GRADED

IDENTIFIER, EMAIL, GRADE = "Identifier", "Email address", "Grade"
MODIFIED, FEEDBACK = "Last modified (grade)", "Feedback comments"
MOODLE = [IDENTIFIER, "Full name", EMAIL, GRADE, MODIFIED, FEEDBACK]
CANVAS = ["Student", "ID", "SIS Login ID", "Section"]

_Row = dict[str, Any]


def csv_text(columns: Sequence[str], rows: Iterable[_Row]) -> str:
    """A table as CSV (RFC 4180) with those columns; what a row has beside them is left out."""
    file = io.StringIO()
    writer = csv.DictWriter(file, columns, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def moodle_csv(rows: Iterable[_Row]) -> str:
    """One assignment, for "Grades, Import, CSV file" of Moodle: students are found by address or ID number.

    ``Last modified (grade)`` is when the submission was handed in.

    Source: MoodleDocs, Grade import, https://docs.moodle.org/en/Grade_import.
    """
    return csv_text(
        MOODLE,
        [
            {
                IDENTIFIER: row["student_id"],
                "Full name": not_a_formula(" ".join(filter(None, (row["first_name"], row["last_name"])))),
                EMAIL: row["email"],
                GRADE: _grade(row),
                MODIFIED: f"{row['timestamp']:%Y-%m-%d %H:%M:%S} UTC" if row.get("timestamp") else "-",
                FEEDBACK: _words(row),
            }
            for row in map(harmless_row, rows)
        ],
    )


def moodle_worksheet(rows: Iterable[_Row], worksheet: Path) -> tuple[str, list[str]]:
    """Moodle's own grading worksheet of one assignment, filled in; and whom of ours it does not hold.

    Moodle finds students by its ``Participant N``, which only the worksheet knows; here they are found by address,
    else by ID number. Rows of others stay as they are, and so do comments on what is graded.

    Source: Moodle, ``mod/assign/feedback/offline/importgradeslib.php``, https://github.com/moodle/moodle.

    Raises:
        Unreadable: if the file is no worksheet.
    """
    try:
        with open(worksheet, newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            columns, sheet = list(reader.fieldnames or []), list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Unreadable(f"worksheet is {worksheet}, expected a grading worksheet of Moodle: {error}") from error
    if missing := [name for name in (IDENTIFIER, GRADE, MODIFIED) if name not in columns]:
        raise Unreadable(f"worksheet is {worksheet}, expected the columns of Moodle's: no {', '.join(missing)}")
    lines = {str(line.get(key)).casefold(): line for key in ("ID number", EMAIL) for line in sheet if line.get(key)}
    strangers = []
    for row in rows:
        keys = (str(row[name]).casefold() for name in ("email", "student_id") if row[name])
        line = next((lines[key] for key in keys if key in lines), None)
        if line is None:
            strangers.append(row["student_id"])
            continue
        line[GRADE] = _grade(row)
        if FEEDBACK in columns and row["state"] != GRADED:
            line[FEEDBACK] = _words(harmless_row(row))
    return csv_text(columns, sheet), strangers


def canvas_csv(rows: Iterable[_Row]) -> tuple[str, list[str]]:
    """A column per assignment, for "Import" in the gradebook of Canvas; and what has no grade, in words.

    Canvas finds students by ``ID``, its own number (``lms_user_id`` in nbgrader's gradebook), else by login, which is
    taken to be the student's id here, else by name.

    Source: Canvas Instructor Guide, How do I import grades in the Gradebook?, and ``lib/gradebook_importer.rb``,
    https://github.com/instructure/canvas-lms.
    """
    possible: _Row = {"Student": "    Points Possible"}
    students: dict[str, _Row] = {}
    without: dict[str, list[str]] = {}
    for row in rows:
        assignment, safe = row["assignment"], harmless_row(row)
        possible[assignment] = f"{row['max_score']:g}"
        name = ", ".join(filter(None, (row["last_name"], row["first_name"]))) or row["student_id"]
        start = {"Student": not_a_formula(name), "ID": safe["lms_user_id"], "SIS Login ID": safe["student_id"]}
        students.setdefault(row["student_id"], start)[assignment] = _grade(row)
        if row["state"] != GRADED:
            without.setdefault(f"{assignment}, {_words(row)}", []).append(str(row["student_id"]))
    assignments = [name for name in possible if name != "Student"]
    said = [f"{why}: {', '.join(names)}" for why, names in without.items()]
    return csv_text([*CANVAS, *assignments], [possible, *students.values()]), said


def _grade(row: _Row) -> str:
    return f"{row['score']:.10g}" if row["state"] == GRADED else ""


def _words(row: _Row) -> str:
    """What is to be known of a submission without a grade."""
    if row["state"] == GRADED:
        return ""
    return f"{row['state']} ({row['reason']})" if row.get("reason") else str(row["state"])


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m advcourse.grading export",
        description="Writes the grades as CSV, for a learning platform too. What nobody has graded is empty.",
    )
    parser.add_argument("--format", choices=("csv", "moodle", "canvas"), default="csv", help="(default: %(default)s)")
    parser.add_argument("--to", type=Path, help="the file to write (default: grades.csv, or grades-FORMAT.csv)")
    parser.add_argument("--assignment", help="one assignment (default: all; Moodle takes one at a time)")
    parser.add_argument("--worksheet", type=Path, help="with moodle: its own grading worksheet, to be filled in")
    with_course(parser)
    asked = parser.parse_args(arguments)
    try:
        return _export(asked)
    except (Unreadable, OSError) as error:
        print(error, file=sys.stderr)
        return 1


def _export(asked: argparse.Namespace) -> int:
    if asked.worksheet and asked.format != "moodle":
        raise Unreadable(f"format is {asked.format}, expected moodle with --worksheet")
    api = open_course(asked.course)

    def rows_of(gradebook: Any) -> tuple[list[_Row], list[str]]:
        names = [assignment.name for assignment in gradebook.assignments]
        if asked.assignment:
            must_be_assignment(gradebook, asked.assignment)
            names = [asked.assignment]
        if asked.format == "moodle" and len(names) > 1:
            raise Unreadable(f"assignment is not given, expected one for Moodle: --assignment {names[0]}, …")
        plugin = GradesPlugin(parent=api, assignment=names)
        return list(plugin.rows(gradebook)), plugin.notes

    rows, notes = read_gradebook(api, rows_of)
    said: list[str] = []
    if asked.format == "csv":
        text = csv_text(COLUMNS, map(harmless_row, rows))
    elif asked.format == "canvas":
        text, said = canvas_csv(rows)
        said = [f"no grade: {line}" for line in said]
    elif asked.worksheet:
        text, said = moodle_worksheet(rows, asked.worksheet)
        said = [f"not in {asked.worksheet}: {student}" for student in said]
    else:
        text = moodle_csv(rows)
    to = asked.to or Path("grades.csv" if asked.format == "csv" else f"grades-{asked.format}.csv")
    to.write_text(text, encoding="utf-8", newline="")
    for line in [*notes, *said]:
        print(" ".join(line.split()), file=sys.stderr)
    graded = sum(row["state"] == GRADED for row in rows)
    print(f"{to}: {graded} grades; {len(rows) - graded} submissions without one")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
