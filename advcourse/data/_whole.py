"""What is whole: errors that name what is damaged, and files compared with their checksums."""

from __future__ import annotations

import gzip
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from torch import Tensor

from advcourse.data import _sets

Loaded = tuple[Tensor, Tensor, list[str]]
"""Pixels or images, labels, names of the classes."""


class Damaged(RuntimeError):
    """A set is not whole; the message names what is not, which is ``file``, and ``finding`` says it without advice."""

    file: Path
    finding: str


def damaged(file: Path, reason: object, state: str = "is damaged") -> Damaged:
    """The error that names a file, what was found, and what to do."""
    finding = f"{file} {state} ({' '.join(str(reason).split())})"
    error = Damaged(f"{finding}: put a whole copy in its place")
    error.file, error.finding = file, finding
    return error


@contextmanager
def reading(file: Path) -> Iterator[None]:
    """Whatever a parser raises at a damaged file leaves as ``Damaged``; a machine out of memory or files does not."""
    try:
        yield
    except (Damaged, MemoryError):
        raise
    except FileNotFoundError as error:
        raise damaged(file, "it is missing from the set") from error
    except (PermissionError, IsADirectoryError, NotADirectoryError) as error:
        raise damaged(file, error.strerror or error, "cannot be read") from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise RuntimeError(f"{file} could not be read ({error.strerror})") from error
        raise damaged(file, str(error) or type(error).__name__) from error


def listed(folder: Path, ending: str = "") -> list[str]:
    """Names in a folder that end so, in order, without hidden ones."""
    with reading(folder):
        return sorted(file for file in os.listdir(folder) if file.endswith(ending) and not file.startswith("."))


def checked(root: Path, name: str, split: str) -> list[bytes]:
    """The contents of the set's files, each compared with its checksum."""
    return [_content(root / file, md5s) for file, md5s in _sets.FILES[name, split].items()]


def _content(file: Path, accepted: list[str]) -> bytes:
    """Of the file, or of what it is unpacked from where only that is there."""
    archive = file.with_name(file.name + ".gz")
    source = archive if os.path.isfile(archive) and not os.path.exists(file) else file
    with reading(source):
        content = source.read_bytes()
        size = len(content)
        if source != file:
            content = gzip.decompress(content)
    if hashlib.md5(content, usedforsecurity=False).hexdigest() not in accepted:
        raise damaged(source, f"{size} bytes, and its md5 is not the published one")
    return content
