"""Of all that a student handed in to an assignment: which file counts, what is kept beside, in writing.

The notebook and its time are two files. Between old and new there is a moment without a time, never one with the time
of another notebook: a run that was killed there is repeated and comes to the same end.
"""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

from advcourse.core.files import replacing
from advcourse.grading.receipts import NEWER_KEPT, SAME, TAKEN, UNTIMED, Receipt, digest_of_bytes
from advcourse.grading.roster import fault_in_id
from advcourse.grading.uploads import Unfit, Upload, moment, read_plain
from advcourse.grading.whose import stamped


class Shelf:
    """Where the submissions to an assignment lie: those that count, and the older ones."""

    def __init__(self, course: Path, assignment: str):
        self.assignment = assignment
        self.submitted, self.collected = course / "submitted", course / "collected" / assignment

    def place(self, student: str) -> Path:
        """The notebook that counts.

        Raises:
            Unfit: if the student's folder is another's, or none.
        """
        if fault := fault_in_id(student):
            raise Unfit(f"odd student id {student!r}: {fault}")
        folder = self.submitted / student
        for path in (folder, folder / self.assignment):
            if path.is_symlink() or (path.exists() and not path.is_dir()):
                raise Unfit(f"{path} is in the way: no folder")
        return folder / self.assignment / f"{self.assignment}.ipynb"

    def has(self, student: str) -> bool:
        """Whether anything of a student counts."""
        return (self.submitted / student / self.assignment / f"{self.assignment}.ipynb").is_file()

    def older(self, student: str, digest: str) -> Path | None:
        """An older submission that was kept, by its content."""
        return next(iter(sorted((self.collected / "older" / student).glob(f"*-{digest}.ipynb"))), None)

    def keep(self, student: str, receipt: Receipt) -> None:
        """Keeps an older submission, once."""
        if self.older(student, receipt.digest) is None:
            name = f"{receipt.time.isoformat()[:19].replace(':', '')}Z-{receipt.digest}.ipynb"  # no colons: Windows
            _write(self.collected / "older" / student / name, receipt.content())

    def standing(self, student: str) -> Receipt | None:
        """What counts now; without a time where a run was killed before that was written."""
        place = self.place(student)
        if not place.is_symlink() and not place.exists():
            return None
        try:
            content, time = read_plain(place), None
            if _timestamp(place).exists():
                time = stamped(read_plain(_timestamp(place)).decode("utf-8", "replace"))
        except Unfit as error:
            raise Unfit(f"{place} cannot be replaced: {error}") from error
        upload = Upload("", moment(place.stat().st_mtime), UNTIMED.replace(year=9999), lambda: read_plain(place))
        return Receipt(upload, student, digest=digest_of_bytes(content), time=time or UNTIMED).to_the_second()

    def time_of(self, standing: Receipt) -> datetime:
        """The best that is known of a submission without a time: from when it was kept, else from its file."""
        kept = self.older(standing.student, standing.digest)
        time = kept and stamped(re.sub(r"T(\d\d)(\d\d)(\d\d)Z.*", r" \1:\2:\3 UTC", kept.name))
        return time or standing.upload.time.replace(microsecond=0)

    def put(self, student: str, receipt: Receipt, *, anew: bool) -> None:
        """Puts a submission in its place: the content, if it is another one, and its time."""
        place = self.place(student)
        if anew:
            content = receipt.content()
            _timestamp(place).unlink(missing_ok=True)
            _write(place, content)
        _write(_timestamp(place), f"{receipt.clock()} UTC".encode())


def settle(shelf: Shelf, student: str, receipts: list[Receipt]) -> None:
    """Has the newest submission of a student count, keeps the others, and writes into each row what became of it.

    A file with the content of the one before it in time is no newer submission; the first time stands.
    """
    standing = shelf.standing(student)
    before = (standing.digest, standing.time) if standing else None
    history = list(receipts)
    if standing is not None:
        equal = [r for r in receipts if r.digest == standing.digest and standing.time in (UNTIMED, r.time)]
        standing.time = shelf.time_of(standing) if standing.time == UNTIMED else standing.time
        history += [] if equal else [standing]
    history.sort(key=Receipt.order)
    winner = history[0]
    for receipt in history[1:]:
        winner = winner if receipt.digest == winner.digest else receipt
    if standing is not None and standing.digest != winner.digest:
        shelf.keep(student, standing)
    for receipt in history:
        if receipt.digest != winner.digest:
            shelf.keep(student, receipt)
    changes = before != (winner.digest, winner.time)
    if changes:
        shelf.put(student, winner, anew=before is None or before[0] != winner.digest)
    for receipt in receipts:
        receipt.state = SAME if receipt.digest == winner.digest else NEWER_KEPT
        if receipt is winner and changes:
            receipt.state = TAKEN


def _timestamp(place: Path) -> Path:
    return place.with_name("timestamp.txt")


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    for part in path.parent.glob(f".{path.name}.*.part"):  # of a run that was killed
        part.unlink(missing_ok=True)
    with replacing(path) as file:
        file.write(content)
