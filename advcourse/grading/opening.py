"""Opening a course and its gradebook for commands: what is wrong with them is one line."""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from sqlalchemy.exc import DatabaseError
from traitlets.config.loader import PyFileConfigLoader

import advcourse

_T = TypeVar("_T")

CONFIGURATION = "nbgrader_config.py"

MOST_TRIES = 5
"""How often a gradebook that somebody writes to is tried, each time for ``WAIT`` seconds."""

WAIT = 1.0


class Unreadable(Exception):
    """What is wrong, in one line for the person who asked."""


def with_course(parser: ArgumentParser) -> None:
    """Adds the option ``--course``."""
    words = f"the folder with {CONFIGURATION} (default: this one, or the course's)"
    parser.add_argument("--course", type=Path, help=words)


def open_course(asked: Path | None) -> Any:
    """nbgrader's API for the course in a folder: that asked for, else this one, else the repository's.

    Raises:
        Unreadable: if there is no course.
    """
    here, ours = Path.cwd(), Path(advcourse.__file__).resolve().parents[1] / "course"
    folder = (asked or (here if (here / CONFIGURATION).is_file() else ours)).resolve()
    if not (folder / CONFIGURATION).is_file():
        raise Unreadable(f"course is {folder}, expected a folder with {CONFIGURATION}")
    os.environ.setdefault("PATH", os.defpath)
    api = NbGraderAPI(config=PyFileConfigLoader(CONFIGURATION, path=str(folder)).load_config())
    api.log.setLevel(logging.WARNING)
    return api


def read_gradebook(api: Any, what: Callable[[Gradebook], _T]) -> _T:
    """``what`` makes of the gradebook; read anew, a few times, while somebody else writes to it.

    Raises:
        Unreadable: if there is no gradebook, it is empty or damaged, or it stays locked.
    """
    url = str(api.coursedir.db_url)
    file = Path(url.removeprefix("sqlite:///"))
    is_file = url != str(file)
    for _ in range(MOST_TRIES):
        try:
            if is_file:
                _check(file)
            with Gradebook(f"{url}?timeout={WAIT}" if is_file else url, api.coursedir.course_id) as gradebook:
                return what(gradebook)
        except (DatabaseError, sqlite3.DatabaseError) as error:
            said = str(getattr(error, "orig", None) or error)
            if "locked" not in said:
                raise Unreadable(f"gradebook {file} cannot be read: {said}") from error
            time.sleep(WAIT / 4)
    raise Unreadable(f"gradebook {file} is locked: another program writes to it. Nothing was changed; try again later")


def _check(file: Path) -> None:
    """Looks without writing: nbgrader would make an empty gradebook where there is none."""
    if not file.is_file():
        raise Unreadable(f"there is no gradebook {file}: make release writes the first one")
    connection = sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, timeout=WAIT)
    try:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        empty = "assignment" not in tables or not connection.execute("SELECT 1 FROM assignment").fetchone()
    finally:
        connection.close()
    if empty:
        raise Unreadable(f"gradebook {file} is empty, expected assignments: make release enters them")


def must_be_assignment(gradebook: Gradebook, name: str) -> None:
    """Raises ``Unreadable`` with the names there are."""
    names = sorted(assignment.name for assignment in gradebook.assignments)
    if name not in names:
        raise Unreadable(f"assignment is {name!r}, expected one of {', '.join(names)}")
