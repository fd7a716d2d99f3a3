"""One file that was handed in, read without trusting it: no link, no device, not more than a cap."""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, BinaryIO

NOTEBOOK_BYTES = 25 * 2**20
LONGEST_PATH = 1000
OF_THE_EXCHANGE = {"timestamp.txt", "submission_secret.txt"}
NOTEBOOK = re.compile(r"\.ipynb(\s*\(\d+\)|[-_ ]\d+)?(\.(txt|json))?$|\.json$", re.IGNORECASE)


class Unfit(Exception):
    """Why one file is not taken."""


@dataclass(frozen=True)
class Upload:
    """A file that was found.

    ``path`` is from what was collected, with slashes, a zip being a folder. ``time`` is when it came, by the zip that
    holds all or the file itself; ``saved`` orders those that came together. ``fault`` says why it cannot be taken;
    else ``read`` gives the content or raises ``Unfit``.
    """

    path: str
    time: datetime
    saved: datetime
    read: Callable[[], bytes]
    fault: str = ""


def fault_in(path: str) -> str:
    """What makes a path unfit: it leaves its folder on some system, or cannot be shown; empty if nothing does."""
    if len(path) > LONGEST_PATH:
        return "its name is too long"
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in path):
        return "its name holds control characters"
    if "\\" in path:
        return "its name holds a backslash"
    if path.startswith("/") or re.match(r"[A-Za-z]:", path):
        return "its name is an absolute path"
    if ".." in path.split("/"):
        return "its name leaves the folder (..)"
    return ""


def read_plain(path: Path) -> bytes:
    """The content of a file that is a plain one, not a link or a device.

    Raises:
        Unfit: if it is another, cannot be read or is too large.
    """
    try:
        with open_plain(path) as file:
            return b"".join(capped(file))
    except OSError as error:
        raise Unfit(f"cannot be read: {error.strerror}") from error


def open_plain(path: Path) -> BinaryIO:
    """A plain file, open for reading; raises ``Unfit`` where it is a link or a device."""
    flags = (getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"))
    if path.is_symlink():
        raise Unfit("a link")
    file = open(os.open(path, os.O_RDONLY | sum(flags)), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise Unfit("no plain file")
    return file


def capped(file: IO[bytes]) -> Iterator[bytes]:
    """The content in pieces; raises ``Unfit`` where there is more than a notebook may have."""
    size = 0
    while chunk := file.read(2**16):
        size += len(chunk)
        if size > NOTEBOOK_BYTES:
            raise Unfit(f"larger than {NOTEBOOK_BYTES / 2**20:g} MiB")
        yield chunk


def moment(seconds: float) -> datetime:
    """The time of a file's clock, in UTC."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


def faulty(path: str, time: datetime, fault: str) -> Upload:
    """A file that cannot be taken."""

    def read() -> bytes:
        raise Unfit(fault)

    return Upload(path, time, time, read, fault)


def fault_of_file(path: str, size: int) -> str:
    """What makes a plain file of that name and size unfit, before it is read; empty if nothing does."""
    name = path.rpartition("/")[2]
    if not NOTEBOOK.search(name) and name not in OF_THE_EXCHANGE:
        return "no notebook (.ipynb)"
    return f"larger than {NOTEBOOK_BYTES / 2**20:g} MiB" if size > NOTEBOOK_BYTES else ""
