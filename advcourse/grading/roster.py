"""The class list, and what may be a student's id."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import defaultdict
from pathlib import Path

from advcourse.grading.uploads import Unfit

STUDENT = re.compile(r"\w[\w.@+ -]*")
LONGEST_ID = 100


class Roster:
    """A class list: who is meant by an id, a number, an address or a name."""

    def __init__(self, file: Path):
        try:
            with open(file, newline="", encoding="utf-8-sig") as content:
                rows = [{k: (v or "").strip() for k, v in row.items() if k} for row in csv.DictReader(content)]
        except (UnicodeError, csv.Error, AttributeError) as error:
            raise ValueError(f"class list is {file} ({error}), expected a CSV file in UTF-8") from error
        self.students: list[str] = []
        self.nameless: set[str] = set()
        self.numbers: dict[str, str] = {}
        self.keys: list[defaultdict[str, set[str]]] = [defaultdict(set) for _ in range(4)]
        for line, row in enumerate(rows, 2):
            self._enter(row, f"{file.name}, row {line}")

    def _enter(self, row: dict[str, str], where: str) -> None:
        student, number = plain_id(row.get("id", "")), row.get("lms_user_id", "")
        if fault := fault_in_id(student):
            raise ValueError(f"id is {student!r} in {where} ({fault}), expected columns id,first_name,last_name,email")
        if student.casefold() in self.keys[0]:
            raise ValueError(f"id is {student!r} in {where}, expected one that is in no other row")
        if number in self.numbers:
            raise ValueError(f"lms_user_id is {number!r} in {where}, expected one that is in no other row")
        first, last = row.get("first_name", ""), row.get("last_name", "")
        self.students.append(student)
        self.keys[0][student.casefold()].add(student)
        if number:
            self.numbers[number] = student
        if row.get("email"):
            self.keys[1][row["email"].casefold()].add(student)
        if not first + last:
            self.nameless.add(student)
            return
        for name in (f"{first} {last}", f"{last} {first}"):
            self.keys[2][_folded(name)].add(student)
            self.keys[3][_squashed(name)].add(student)

    def find(self, name: str) -> str | None:
        """The student with that id, number, address or full name; None if there is none.

        Raises:
            Unfit: if the name fits several.
        """
        if name in self.numbers and name.casefold() not in self.keys[0]:
            return self.numbers[name]
        folded = [name.casefold(), name.casefold(), _folded(name), _squashed(name)]
        for keys, key in zip(self.keys, folded, strict=True):
            if found := keys.get(key, set()) if key else set():
                return _only(name, found)
        return None

    def knows(self, name: str) -> bool:
        """Whether somebody, or several, are called so."""
        try:
            return self.find(name) is not None
        except Unfit:
            return True

    def by_account(self, name: str, number: str = "") -> str | None:
        """The student whom a platform calls so; the number decides where the class list has it."""
        if number in self.numbers:
            return self.numbers[number]
        found = self.keys[2].get(_folded(name)) or self.keys[3].get(_squashed(name), set())
        by_number = self.keys[0].get(number, set()) & (found | self.nameless)
        if found or by_number:
            return _only(name, by_number or found)
        return None


def _only(name: str, found: set[str]) -> str:
    if len(found) > 1:
        raise Unfit(f"the name {name} fits {' and '.join(sorted(found))}")
    return next(iter(found))


def _folded(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


def _squashed(name: str) -> str:
    return "".join(letter for letter in _folded(name) if letter.isalnum())


def plain_id(name: str) -> str:
    """An id as it is written everywhere: composed letters, no blanks around it."""
    return unicodedata.normalize("NFC", name).strip()


def fault_in_id(student: str) -> str:
    """What makes a student's id unfit for a folder's name; empty if nothing does."""
    if not student or len(student.encode("utf-8", "replace")) > LONGEST_ID:
        return f"empty or longer than {LONGEST_ID} bytes"
    return "" if STUDENT.fullmatch(student) else "only letters, digits and . @ + - _ may stand in it"
