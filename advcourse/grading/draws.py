"""Random inputs of hidden tests: such as no student can foresee, and the same whenever a course is graded again."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from nbgrader.api import Gradebook

TABLE = "CREATE TABLE IF NOT EXISTS advcourse (name VARCHAR(64) PRIMARY KEY, value VARCHAR(64) NOT NULL)"
BELOW = 10**6
"""Seeds are below, so that one can be told to a person; sums of a seed and small numbers stay seeds."""

_stream: Iterator[int] | None = None


def unseen() -> torch.Generator:
    """A generator for a test's inputs; its ``initial_seed()``, below 1,000,000, may seed networks.

    Where a course is graded, the k-th of a test cell follows from the course's secret, the cell's name and k. Elsewhere
    it is another one at every call.
    """
    seed = secrets.randbelow(BELOW) if _stream is None else next(_stream)
    return torch.Generator().manual_seed(seed)


@contextlib.contextmanager
def drawn_from(secret: str, name: str) -> Iterator[None]:
    """Has ``unseen`` follow from a secret and a name; from nothing where the secret is empty."""
    global _stream
    before, _stream = _stream, _seeds(secret, name) if secret else None
    try:
        yield
    finally:
        _stream = before


def _seeds(secret: str, name: str) -> Iterator[int]:
    number = 0
    while True:
        digest = hashlib.sha256(f"{secret} {name} {number}".encode()).digest()
        yield int.from_bytes(digest[:8], "big") % BELOW
        number += 1


def secret_of(gradebook: Gradebook) -> str:
    """The secret that a course's gradebook keeps; drawn when it is asked for the first time."""
    from sqlalchemy import text
    from sqlalchemy.exc import IntegrityError

    gradebook.db.execute(text(TABLE))
    kept = text("SELECT value FROM advcourse WHERE name = 'secret'")
    if gradebook.db.execute(kept).scalar() is None:
        new = {"value": secrets.token_hex(16)}
        try:
            gradebook.db.execute(text("INSERT INTO advcourse (name, value) VALUES ('secret', :value)"), new)
        except IntegrityError:  # another process has been first
            gradebook.db.rollback()
    gradebook.db.commit()
    return str(gradebook.db.execute(kept).scalar())
