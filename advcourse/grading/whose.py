"""Whose a file is, by the name that a platform, a person or a pattern gave it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from advcourse.grading.roster import Roster, fault_in_id, plain_id
from advcourse.grading.uploads import Unfit

EXCHANGE = re.compile(r"(?P<name>.+)\+(?P<assignment>[^+]+)\+(?P<time>\d{4}-\d\d-\d\d [\d:.]+ \S+?)(\+[\w=-]+)?")
FROM_MOODLE = re.compile(r"(?P<name>.+?)_(?P<number>\d+)_assignsubmission_(file|onlinetext)(_.*)?")
FROM_CANVAS = re.compile(r"(?P<name>[^_]+)_(LATE_)?(?P<number>\d+)_\d+_.+")


@dataclass(frozen=True)
class Account:
    """Whom a platform means by a name: what it calls the student, its number for them, what the exchange adds."""

    platform: str
    name: str
    number: str = ""
    assignment: str = ""
    time: str = ""


@dataclass(frozen=True)
class Owner:
    """Whose a file is: the student's id, and the platform's account where one is named."""

    student: str
    account: Account | None = None


def stamped(text: str) -> datetime | None:
    """The time that nbgrader's exchange wrote; None if it is no such time."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?) ?(\S{0,40})", text.strip())
    if match is None:
        return None
    zone = {"": "+00:00", "UTC": "+00:00", "GMT": "+00:00", "Z": "+00:00"}.get(match[3], match[3])
    try:
        if zone[0] in "+-":
            return datetime.fromisoformat(f"{match[1]} {match[2]}{zone}").astimezone(UTC)
        from nbgrader.utils import parse_utc

        return parse_utc(text.strip()).replace(tzinfo=UTC)
    except (ValueError, OverflowError, AttributeError, TypeError):
        return None


class Owners:
    """What the names of files and folders say.

    A zip counts as a folder. The first folder decides, and it alone: what lies in it was named by the student. A
    folder around everything is not looked at.
    """

    def __init__(self, paths: Iterable[str], assignments: Iterable[str], roster: Roster | None, pattern: str | None):
        self.roster = roster
        self.pattern = _compiled(pattern)
        titles = "|".join(re.escape(name).replace("_", "[ _-]?") for name in assignments)
        self.titled = re.compile(rf"(?:Copy of )?(.+?)[_-]+(?:{titles})(?![A-Za-z0-9]).*", re.IGNORECASE)
        self.numbered = re.compile(r"(?:Copy of )?(.+)[_-]+a\d\d(?!\d).*", re.IGNORECASE)
        self.assignments = set(assignments)
        self.paths = [path.split("/") for path in paths]
        self.around = 0
        while self.around < 3 and self._is_around():
            self.around += 1
            self.paths = [parts[1:] for parts in self.paths]
        inside: defaultdict[str, set[tuple[str, ...]]] = defaultdict(set)
        for parts in self.paths:
            if len(parts) > 1 and (account := _account(parts[1])):
                inside[parts[0]].add((account.platform, account.name, account.number))
            elif len(parts) == 2 and (name := self._cut(_stem(parts[1]))) and (not roster or roster.knows(name)):
                inside[parts[0]].add(("", name))
        own = {folder: ("", self._cut(folder) or _without_zip(folder)) for folder in inside}
        self.mixed = {folder for folder, names in inside.items() if len(names) > 1 and own[folder] not in names}

    def _is_around(self) -> bool:
        """Whether there is one folder around everything, and it is no student's."""
        tops = {parts[0] for parts in self.paths}
        if len(tops) != 1 or any(len(parts) < 2 for parts in self.paths):
            return False
        top = tops.pop()
        if _account(top) or (self.roster and self.roster.knows(_without_zip(top))):
            return False
        if top in self.assignments or any(_account(parts[1]) for parts in self.paths):
            return True
        folders = {
            _without_zip(parts[1]) for parts in self.paths if len(parts) > 2 or parts[1].lower().endswith(".zip")
        }
        files = {self._cut(_stem(parts[1])) for parts in self.paths if len(parts) == 2}
        return len((folders - self.assignments) | (files - {None})) > 1

    def _cut(self, name: str) -> str | None:
        match = self.titled.fullmatch(name) or self.numbered.fullmatch(name)
        return match[1] if match else None

    def owner(self, path: str) -> Owner:
        """Whose a file is.

        Raises:
            Unfit: if that cannot be told, or is nobody of the class list.
        """
        parts = path.split("/")[self.around :]
        name, is_folder = _without_zip(parts[0]), len(parts) > 1
        account = _account(parts[0])
        if account and account.platform == "exchange" and not is_folder:
            account = None
        if self.pattern is not None:
            match = self.pattern.search(path)
            if match is None or not match["student_id"]:
                raise Unfit("its name does not fit the pattern of --names")
            return Owner(self._listed(match["student_id"]), account)
        if account:
            called = self._listed if account.platform == "exchange" else self._called
            return Owner(called(account.name, account.number), account)
        if is_folder and parts[0] in self.mixed:
            raise Unfit(f"{parts[0]} seems to hold several students: collect it by itself, or give --names")
        if self.roster and (student := self.roster.find(name if is_folder else _stem(name))):
            return Owner(student)
        titled = self.titled.fullmatch(name)
        guess = (titled[1] if titled else name) if is_folder else self._cut(_stem(name))
        if guess is None:
            raise Unfit("its name does not say whose it is: STUDENT_ASSIGNMENT.ipynb does")
        return Owner(self._listed(guess))

    def _called(self, name: str, number: str = "") -> str:
        if self.roster is None:
            return self._listed(name)
        student = self.roster.by_account(name, number)
        if student is None:
            raise Unfit(f"{name} is not in the class list")
        return student

    def _listed(self, name: str, number: str = "") -> str:
        student: str | None = plain_id(name)
        if self.roster is not None:
            student = self.roster.find(plain_id(name))
            if student is None:
                raise Unfit(f"{name} is not in the class list")
        elif fault := fault_in_id(plain_id(name)):
            raise Unfit(f"odd student id {name!r}: {fault}")
        return str(student)


def _account(name: str) -> Account | None:
    """The account that a platform wrote into a name; the end of a name at most is the student's choice."""
    if match := FROM_CANVAS.fullmatch(_without_zip(name)):
        return Account("canvas", match["name"], match["number"])
    if match := FROM_MOODLE.fullmatch(_without_zip(name)):
        return Account("moodle", match["name"], match["number"])
    if match := EXCHANGE.fullmatch(name):
        return Account("exchange", match["name"], "", match["assignment"], match["time"])
    return None


def _without_zip(name: str) -> str:
    return name[:-4] if name.lower().endswith(".zip") else name


def _stem(name: str) -> str:
    return re.sub(r"\.ipynb.*$|\.json$", "", name, flags=re.IGNORECASE)


def _compiled(pattern: str | None) -> re.Pattern[str] | None:
    if pattern is None:
        return None
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ValueError(f"--names is {pattern!r} ({error}), expected a regular expression") from error
    if "student_id" not in compiled.groupindex:
        raise ValueError(f"--names is {pattern!r}, expected a group (?P<student_id>...) in it")
    return compiled
