"""Takes in what was handed in: from a folder or a zip of a platform to ``course/submitted``, with the time of each.

Usage::

    python -m advcourse.grading collect ASSIGNMENT FOLDER|ZIP [--names PATTERN] [--students CSV] [--course DIR]

A file that cannot be taken is a row of the report and stops nobody. Collecting the same again changes nothing. The exit
status is 0 if every file was taken or is the same as before.
"""

from __future__ import annotations

import argparse
import errno
import io
import json
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import advcourse
from advcourse.core.files import locked, replacing, write_json
from advcourse.grading import cells, released
from advcourse.grading.finding import find_uploads
from advcourse.grading.receipts import NEWER_KEPT, SAME, TAKEN, Receipt, as_csv, as_table, digest_of_bytes
from advcourse.grading.roster import Roster
from advcourse.grading.settling import Shelf, settle
from advcourse.grading.uploads import OF_THE_EXCHANGE, Unfit, Upload, fault_in
from advcourse.grading.whose import Owners, stamped

CONFIGURED = "nbgrader_config.py"
NO_ROOM = {getattr(errno, name, -1) for name in ("ENOSPC", "EDQUOT", "EROFS")}


def collect(
    assignment: str, source: Path, course: Path, *, names: str | None = None, roster: Roster | None = None
) -> list[Receipt]:
    """Takes in the submissions to an assignment; returns a row for each file that was found.

    Args:
        source: a folder or a zip, as it comes from a platform.
        course: the folder that holds ``submitted`` and ``collected``.
        names: a regular expression with a group ``student_id``, searched in the path of each file.
        roster: the class list.

    Raises:
        ValueError: if there is no such assignment or source, or nothing in it.
        OSError: if nothing can be written.
    """
    known = released.manifest()
    if assignment not in known:
        raise ValueError(f"assignment is {assignment!r}, expected one of {', '.join(known)}")
    found = list(find_uploads(source))
    if not found:
        raise ValueError(f"{source} holds no file, expected what students handed in")
    owners = Owners([upload.path for upload in found if not upload.fault], known, roster, names)
    shelf = Shelf(course, assignment)
    for folder in (shelf.submitted, shelf.collected):
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
    with locked(shelf.collected):
        receipts = [receipt for receipt in _identified(found, owners) if not _elsewhere(receipt, assignment, known)]
        for receipt in receipts:
            if not receipt.state:
                _examine(receipt, assignment, known)
        _tell_apart([receipt for receipt in receipts if not receipt.state], shelf)
        waiting: defaultdict[str, list[Receipt]] = defaultdict(list)
        for receipt in receipts:
            if not receipt.state:
                waiting[receipt.student].append(receipt)
        for student, theirs in waiting.items():
            _settle_or_refuse(shelf, student, theirs)
        receipts.sort(key=lambda receipt: (receipt.student, receipt.upload.path))
        with replacing(shelf.collected / "report.csv") as file:
            file.write(as_csv(receipts).encode("utf-8"))
    return receipts


def _identified(found: list[Upload], owners: Owners) -> Iterator[Receipt]:
    """A row for each file but the exchange's own, with its student and time."""
    now = datetime.now(UTC)
    beside = {u.path.rpartition("/")[0]: u for u in found if u.path.endswith("/timestamp.txt")}
    for upload in found:
        folder, _, name = upload.path.rpartition("/")
        if name in OF_THE_EXCHANGE:
            continue
        receipt = Receipt(upload, time=upload.time)
        try:
            owner = None if fault_in(upload.path) else owners.owner(upload.path)
        except Unfit as error:
            receipt.refuse(upload.fault or error)
        else:
            if upload.fault or owner is None:
                receipt.refuse(upload.fault)
            if owner is not None:
                receipt.student, receipt.account = owner.student, owner.account
        if receipt.account and receipt.account.platform == "exchange":
            receipt.time = _written(beside.get(folder)) or stamped(receipt.account.time) or upload.time
        receipt.time = min(receipt.time, now)
        yield receipt.to_the_second()


def _written(file: Upload | None) -> datetime | None:
    """The time in a ``timestamp.txt`` of the exchange, if it can be read."""
    if file is None:
        return None
    try:
        return stamped(file.read()[:100].decode("utf-8", "replace"))
    except Unfit:
        return None


def _elsewhere(receipt: Receipt, assignment: str, known: dict[str, list[dict]]) -> bool:
    """Whether the exchange, which holds all of a course, has a file for another assignment."""
    held = receipt.account.assignment if receipt.account else ""
    return held in known and held != assignment


def _examine(receipt: Receipt, assignment: str, known: dict[str, list[dict]]) -> None:
    """Reads a file, and refuses it if it is no notebook of the assignment."""
    try:
        content = receipt.content()
        if not content.strip():
            raise Unfit("empty")
        held = released.assignment_of(cells.notebook_of(content, "it"), known)
        if held != assignment:
            raise Unfit(f"holds {held or 'no cell of any assignment'}, expected {assignment}")
        receipt.digest = digest_of_bytes(content)
    except Unfit as error:
        receipt.refuse(error)
    except Exception:  # whatever a library meets in an odd notebook
        receipt.refuse("no notebook inside")


def _tell_apart(receipts: list[Receipt], shelf: Shelf) -> None:
    """Refuses what two students would share: an id, or one but for capital letters."""
    file = shelf.collected / "accounts.json"
    before = _accounts(file)
    spelled, numbers = defaultdict(set), defaultdict(set)
    for student in [*(folder.name for folder in shelf.submitted.iterdir()), *(r.student for r in receipts)]:
        spelled[student.casefold()].add(student)
    for receipt in receipts:
        if receipt.account and receipt.account.number:
            numbers[receipt.student, receipt.account.platform].add(receipt.account.number)
    after = {student: dict(accounts) for student, accounts in before.items()}
    for receipt in receipts:
        student, account = receipt.student, receipt.account
        alike = spelled[student.casefold()] - {student}
        theirs = sorted(numbers[student, account.platform]) if account and account.number else []
        earlier = before.get(student, {}).get(account.platform) if account else None
        if alike:
            receipt.refuse(f"{student} and {', '.join(sorted(alike))} differ in capital letters only")
        elif len(theirs) > 1:
            receipt.refuse(f"several students are {student}: numbers {', '.join(theirs)}; --names tells them apart")
        elif account and theirs and earlier not in (None, *theirs):
            receipt.refuse(f"{student} was number {earlier} before, not {theirs[0]}; if it is the same, delete {file}")
        elif account and theirs:
            after.setdefault(student, {})[account.platform] = theirs[0]
    if after != before:
        write_json(file, after)


def _accounts(file: Path) -> dict[str, dict[str, str]]:
    if not file.exists():
        return {}
    try:
        return {student: dict(accounts) for student, accounts in json.loads(file.read_bytes()).items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise ValueError(f"{file} is damaged, expected JSON: delete it and collect again") from error


def _settle_or_refuse(shelf: Shelf, student: str, receipts: list[Receipt]) -> None:
    try:
        settle(shelf, student, receipts)
    except (Unfit, OSError) as error:
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            raise
        for receipt in receipts:
            receipt.refuse(error if isinstance(error, Unfit) else f"cannot be put in its place: {error.strerror}")


def _summary(receipts: list[Receipt], roster: Roster | None, shelf: Shelf) -> str:
    counts = Counter(receipt.state.partition(":")[0] for receipt in receipts)
    text = ", ".join(f"{counts[state]} {state}" for state in (TAKEN, SAME, NEWER_KEPT, "refused"))
    if roster is None:
        return text
    missing = [student for student in roster.students if not shelf.has(student)]
    return f"{text}; nothing from {len(missing)} of {len(roster.students)}" + ": " * bool(missing) + ", ".join(missing)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m advcourse.grading collect",
        description="Takes in what was handed in, from a folder or a zip of a platform, with the time of each file.",
    )
    here, ours = Path.cwd(), Path(advcourse.__file__).resolve().parents[1] / "course"
    parser.add_argument("assignment")
    parser.add_argument("source", type=Path, metavar="FOLDER|ZIP", help="as it comes from the platform")
    parser.add_argument("--names", metavar="PATTERN", help="regular expression with a group (?P<student_id>...)")
    parser.add_argument("--students", type=Path, metavar="CSV", help="class list: id,first_name,last_name,email")
    parser.add_argument(
        "--course", type=Path, help=f"the folder with {CONFIGURED} (default: this one, or the course's)"
    )
    options = parser.parse_args(arguments)
    course = (options.course or (here if (here / CONFIGURED).is_file() else ours)).resolve()
    try:
        if not (course / CONFIGURED).is_file():
            raise ValueError(f"course is {course}, expected a folder with {CONFIGURED}")
        roster = Roster(options.students) if options.students else None
        receipts = collect(options.assignment, options.source, course, names=options.names, roster=roster)
    except OSError as error:
        print(f"error: {error.filename or course}: {error.strerror}", file=sys.stderr)
        return 1
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal that cannot show a name ends no run
    print(as_table(receipts))
    print(_summary(receipts, roster, Shelf(course, options.assignment)))
    return 0 if all(receipt.state in (TAKEN, SAME) for receipt in receipts) else 1
