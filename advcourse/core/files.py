"""Files that no reader ever sees half of; tensors in ``.safetensors`` files, each with a card beside it.

A card says how its file was made and what its checksum is. The two are written under a lock and read again under it
where they do not agree, so that writers and readers of one file may meet.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from torch import Tensor


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write that takes its place when it is whole; of several writers the last one's stays.

    Missing folders are made. Where writing fails, what was there before stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        with open(part, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write_json(path: Path, content: object, indent: int = 2) -> None:
    """JSON in a file that is replaced as a whole."""
    with replacing(path) as file:
        file.write((json.dumps(content, indent=indent, ensure_ascii=False) + "\n").encode())


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """One process at a time for a file and its card; without a lock where none can be made."""
    from filelock import FileLock

    name = hashlib.sha256(str(file.resolve()).encode()).hexdigest()[:16]
    lock = FileLock(Path(tempfile.gettempdir(), f"advcourse-{name}.lock"))  # not beside it: nothing is left there
    with suppress(OSError):
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def read(file: Path, advice: str, sha256: str | None = None) -> dict[str, Tensor]:
    """The tensors of a file whose checksum is ``sha256``, its card's where that is not given.

    Raises:
        FileNotFoundError: where there is no such file (the message ends with ``advice``).
        RuntimeError: where its checksum is another, or its card is missing or damaged.
    """
    from safetensors.torch import load as parse

    content = file.read_bytes() if file.is_file() else b""
    if not file.is_file():
        raise FileNotFoundError(f"no weights at {file}: {advice}")
    if hashlib.sha256(content).hexdigest() != (sha256 or _checksum(file)):
        with locked(file):  # a writer may have been between the file and its card
            content = file.read_bytes()
            if hashlib.sha256(content).hexdigest() != (sha256 or card(file, advice)["sha256"]):
                raise RuntimeError(f"{file} is damaged (its sha256 is not the one on record): delete it and {advice}")
    return parse(content)


def verified(file: Path, advice: str) -> dict[str, Any]:
    """The card of a file whose checksum agrees with it; the file is not loaded.

    Raises:
        FileNotFoundError, RuntimeError: as ``read``.
    """
    if not file.is_file():
        raise FileNotFoundError(f"no file at {file}: {advice}")
    if _digest(file) != _checksum(file):
        with locked(file):
            if _digest(file) != card(file, advice).get("sha256"):
                raise RuntimeError(f"{file} is damaged (its sha256 is not the one on record): delete it and {advice}")
    return card(file, advice)


def _digest(file: Path) -> str:
    with open(file, "rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _checksum(file: Path) -> str | None:
    """What the card says, if there is a whole one."""
    with suppress(OSError, ValueError):
        return json.loads(file.with_suffix(".json").read_text(encoding="utf-8")).get("sha256")
    return None


def write(file: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Write tensors, and beside them their card: ``facts``, size and sha256. Returns the card."""
    from safetensors.torch import save as serialise

    content = serialise({key: value.detach().cpu().contiguous() for key, value in tensors.items()})
    full = {**facts, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    file.parent.mkdir(parents=True, exist_ok=True)
    with locked(file):
        with replacing(file) as target:
            target.write(content)
        write_json(file.with_suffix(".json"), full)
    return full


def card(file: Path, advice: str) -> dict[str, Any]:
    """The card beside a file.

    Raises:
        RuntimeError: where it is missing or damaged (the message ends with ``advice``).
    """
    beside = file.with_suffix(".json")
    try:
        return json.loads(beside.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RuntimeError(f"{beside} is missing or damaged ({error}): {advice}") from error
