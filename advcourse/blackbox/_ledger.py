"""What a prediction service remembers on disk: the queries billed to each image, and every answer that it gave."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike
from typing import TYPE_CHECKING, NamedTuple

from advcourse.blackbox._wire import BUDGET_SPENT, OTHER_CONTENT

if TYPE_CHECKING:
    from sqlite3 import Connection

TABLES = """
    CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS counts (
        key TEXT, owner TEXT, row INTEGER, queries INTEGER NOT NULL, PRIMARY KEY (key, owner, row)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS replies (
        key TEXT, call TEXT, digest BLOB NOT NULL, status INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (key, call)
    );
"""
ALL = ""  # the owner of what all sessions of a key were billed together


class Refused(Exception):
    """A request that is not answered, with its HTTP status and what the client is told. It costs nothing."""

    def __init__(self, status: int, detail: str, wait: float = 0.0):
        super().__init__(detail)
        self.status, self.detail, self.wait = status, detail, wait


class Call(NamedTuple):
    """Who asks, which of its calls this is (or which ``part`` of one that was reserved), and what is in it."""

    key: str
    session: str
    number: str
    part: str | None
    digest: bytes

    @property
    def reservation(self) -> str:
        """The call that this is, or is a part of. No session has such a name."""
        return f"{self.session}/{self.number}"

    @property
    def name(self) -> str:
        return self.reservation if self.part is None else f"{self.reservation}.{self.part}"


class Reply(NamedTuple):
    """What is said to a call: an HTTP status and the body."""

    status: int
    body: bytes


class Ledger:
    """Counts and replies in an SQLite file.

    Billing a call and keeping its reply are one transaction: whatever kills the process, both have happened or neither.
    Several processes may share the file; one call at a time is settled.

    Args:
        file: made where it is not there.
        kind: what the replies are; a file kept for another kind is refused.
    """

    def __init__(self, file: str | PathLike[str], kind: str):
        self._writing, self._reading = _connected(file), _connected(file)
        self._write, self._read = threading.Lock(), threading.Lock()
        with self._transaction() as db:
            db.execute("INSERT OR IGNORE INTO facts VALUES ('kind', ?)", (kind,))
            (before,) = db.execute("SELECT value FROM facts WHERE name = 'kind'").fetchone()
        if before != kind:
            raise ValueError(f"state is a file kept for {before}, expected one for {kind}: take another file")

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with self._write:
            self._writing.execute("BEGIN IMMEDIATE")
            try:
                yield self._writing
                self._writing.execute("COMMIT")
            except BaseException:
                self._writing.execute("ROLLBACK")
                raise

    def settle(
        self, call: Call, counts: Mapping[int, int], budget: int | None, reply: Callable[[], Reply], reserve: bool
    ) -> Reply:
        """The reply that was given to this call before; else bill it, and keep what ``reply()`` says.

        Args:
            call: a part of another is paid with what that one reserved.
            counts: how many queries it takes, by image.
            budget: of each image.
            reply: the answer; where it raises, nothing is billed.
            reserve: the call only pays, for parts that follow.

        Raises:
            Refused: where an image would be overrun, or the call had other content before.
        """
        with self._transaction() as db:
            where = (call.key, call.name)
            kept = db.execute("SELECT digest, status, body FROM replies WHERE key = ? AND call = ?", where).fetchone()
            if kept is not None:
                if kept[0] != call.digest:
                    raise Refused(OTHER_CONTENT, f"call {call.name} was made before, with other content")
                return Reply(*kept[1:])
            if call.part is None:
                self._check_budget(db, call.key, counts, budget)
                for owner in (ALL, call.session, *([call.reservation] if reserve else [])):
                    _add(db, call.key, owner, counts)
            else:
                held = _counts(db, call.key, call.reservation, list(counts))
                if any(held[row] < count for row, count in counts.items()):
                    raise Refused(BUDGET_SPENT, f"call {call.reservation} has reserved fewer queries than this takes")
                _add(db, call.key, call.reservation, {row: -count for row, count in counts.items()})
            made = reply()
            db.execute("INSERT INTO replies VALUES (?, ?, ?, ?, ?)", (*where, call.digest, *made))
            return made

    @staticmethod
    def _check_budget(db: Connection, key: str, counts: Mapping[int, int], budget: int | None) -> None:
        if budget is None:
            return
        used = _counts(db, key, ALL, sorted(counts))
        for row, before in used.items():
            if before + counts[row] > budget:
                left = max(0, budget - before)
                raise Refused(
                    BUDGET_SPENT, f"image {row} has {left} queries left of {budget}, and {counts[row]} were asked for"
                )

    def used(self, key: str, session: str, rows: Sequence[int]) -> tuple[list[int], list[int]]:
        """Queries billed to those images, in all and by that session."""
        with self._read:
            self._reading.execute("BEGIN")
            try:
                counts = [_counts(self._reading, key, owner, set(rows)) for owner in (ALL, session)]
            finally:
                self._reading.execute("COMMIT")
        both = [[count[row] for row in rows] for count in counts]
        return both[0], both[1]

    def close(self) -> None:
        for connection in (self._reading, self._writing):
            connection.close()


def _connected(file: str | PathLike[str]) -> Connection:
    import sqlite3

    connection = sqlite3.connect(file, timeout=30, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # a reply that was sent is on disk, also when the power fails
        connection.executescript(TABLES)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise ValueError(f"state is {str(file)!r} ({error}), expected a file of this service, or a new one") from None
    return connection


def _counts(db: Connection, key: str, owner: str, rows: Sequence[int] | set[int]) -> dict[int, int]:
    query = "SELECT queries FROM counts WHERE key = ? AND owner = ? AND row = ?"
    return {row: next(db.execute(query, (key, owner, row)), (0,))[0] for row in rows}


def _add(db: Connection, key: str, owner: str, counts: Mapping[int, int]) -> None:
    db.executemany(
        "INSERT INTO counts VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET queries = queries + excluded.queries",
        [(key, owner, row, count) for row, count in counts.items()],
    )
