"""The report of an intake: a row for each file that was found."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from advcourse.grading.uploads import Unfit, Upload
from advcourse.grading.whose import Account

HEADINGS = ["student", "file", "time", "state"]
TAKEN = "taken"
SAME = "same"
NEWER_KEPT = "newer kept"
UNTIMED = datetime.min.replace(tzinfo=UTC)


@dataclass
class Receipt:
    """A row of the report: a file, whose it is, when it came, what became of it."""

    upload: Upload
    student: str = ""
    account: Account | None = None
    digest: str = ""
    time: datetime = UNTIMED
    state: str = ""

    def refuse(self, reason: object) -> None:
        self.state = f"refused: {reason}"

    def clock(self) -> str:
        """The time in UTC, as nbgrader writes it."""
        return "" if self.time == UNTIMED else self.time.isoformat(" ", "seconds")[:19]

    def to_the_second(self) -> Receipt:
        """The same, as its time is written."""
        self.time = self.time.replace(microsecond=0)
        return self

    def content(self) -> bytes:
        """What is in the file, as it was when it was looked at."""
        content = self.upload.read()
        if self.digest and self.digest != digest_of_bytes(content):
            raise Unfit("it changed while it was collected")
        return content

    def order(self) -> tuple[datetime, datetime, int, str]:
        """What makes one newer: its time, then when it was saved, then the number that a browser put at its name."""
        number = re.search(r"(?:\((\d{1,9})\)|[-_](\d{1,9}))\.ipynb", self.upload.path)
        return self.time, self.upload.saved, int(number[1] or number[2]) if number else 0, self.upload.path


def digest_of_bytes(content: bytes) -> str:
    """Sixteen hexadecimal digits that tell contents apart."""
    return hashlib.sha256(content).hexdigest()[:16]


def _lines(receipts: list[Receipt]) -> list[list[str]]:
    """The rows of the report, with nothing in them that a terminal would obey."""
    rows = [[r.student, r.upload.path, f"{r.clock()} UTC", r.state] for r in receipts]
    return [["".join(c if c.isprintable() else ascii(c)[1:-1] for c in field) for field in row] for row in rows]


def as_csv(receipts: list[Receipt]) -> str:
    """The report as CSV, in which no field is a formula to a spreadsheet."""
    text, formula = io.StringIO(), ("=", "+", "-", "@")
    writer = csv.writer(text)
    writer.writerow(HEADINGS)
    writer.writerows([f"'{field}" if field.startswith(formula) else field for field in row] for row in _lines(receipts))
    return text.getvalue()


def as_table(receipts: list[Receipt]) -> str:
    """The report for a terminal."""
    rows = [HEADINGS, *_lines(receipts)]
    widths = [min(60, max(len(row[n]) for row in rows)) for n in range(3)]
    return "\n".join("  ".join([*map(str.ljust, row[:3], widths), row[3]]) for row in rows)
