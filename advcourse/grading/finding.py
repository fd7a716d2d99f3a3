"""Finds what was handed in, in a folder or a zip, and says of each file that cannot be taken why.

No link is followed and nothing is unpacked to disk: a zip is read entry by entry, as a stream with a cap.
"""

from __future__ import annotations

import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, BinaryIO, ClassVar

from advcourse.grading.uploads import (
    Unfit,
    Upload,
    capped,
    fault_in,
    fault_of_file,
    faulty,
    moment,
    open_plain,
    read_plain,
)

ARCHIVE_BYTES = 2 * 2**30
ARCHIVE_ENTRIES = 20_000
RATIO = 200
RATIO_FROM = 2**20  # below, a ratio harms nobody
DEEPEST_FOLDER = 20
OF_SYSTEMS = {"__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini", ".ipynb_checkpoints"}
DAMAGES = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, ValueError)


def find_uploads(source: Path) -> Iterator[Upload]:
    """Every file of a folder or a zip.

    Raises:
        ValueError: if it is neither.
    """
    if source.is_dir():
        yield from _in_folder(source, "")
    elif source.is_file():
        came = moment(source.stat().st_mtime)
        yield from _in_zip(_Archive(source.resolve(), came), "", source.name)
    else:
        raise ValueError(f"what to collect is {source}, expected a folder or a zip that is there")


def _in_folder(folder: Path, prefix: str) -> Iterator[Upload]:
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        yield faulty(prefix.rstrip("/") or folder.name, moment(0), f"cannot be read: {error.strerror}")
        return
    for entry in entries:
        if entry.name not in OF_SYSTEMS and not entry.name.startswith("._"):
            yield from _in_entry(entry, prefix + entry.name)


def _in_entry(entry: os.DirEntry[str], path: str) -> Iterator[Upload]:
    try:
        about = entry.stat(follow_symlinks=False)
    except OSError as error:
        yield faulty(path, moment(0), f"cannot be read: {error.strerror}")
        return
    came, file = moment(about.st_mtime), Path(entry.path)
    if fault := fault_in(path) or ("a link" if entry.is_symlink() else ""):
        yield faulty(path, came, fault)
    elif stat.S_ISDIR(about.st_mode):
        deep = path.count("/") >= DEEPEST_FOLDER
        yield from [faulty(path, came, "folders too deep")] if deep else _in_folder(file, f"{path}/")
    elif not stat.S_ISREG(about.st_mode):
        yield faulty(path, came, "no plain file")
    elif path.lower().endswith(".zip"):
        yield from _in_zip(_Archive(file, came), f"{path}/", path)
    elif fault := fault_of_file(path, about.st_size):
        yield faulty(path, came, fault)
    else:
        yield Upload(path, came, came, lambda: read_plain(file))


class _Archive:
    """A zip of which one entry at a time is read; of all of them the one that was used last is open."""

    last: ClassVar[_Archive | None] = None

    def __init__(self, file: Path, came: datetime):
        self.file, self.came = file, came
        self.raw: BinaryIO | None = None
        self.zip: zipfile.ZipFile | None = None
        self.total = 0
        self.counted: set[int] = set()

    def open(self) -> zipfile.ZipFile:
        if _Archive.last is not None and _Archive.last is not self:
            _Archive.last.close()
        _Archive.last = self
        if self.zip is None:
            self.raw = open_plain(self.file)
            self.zip = zipfile.ZipFile(self.raw)
        return self.zip

    def close(self) -> None:
        if self.raw is not None:
            self.raw.close()
        self.raw = self.zip = None

    def read(self, number: int) -> bytes:
        """The content of an entry, by its place in the list.

        Raises:
            Unfit: if it is damaged or too large, itself or with those that were read before.
        """
        try:
            archive = self.open()
            info = archive.infolist()[number]
            with archive.open(info) as file:
                return b"".join(self._watched(file, number, info.compress_size))
        except DAMAGES as error:
            raise Unfit(f"damaged in its zip: {error}") from error
        except OSError as error:
            raise Unfit(f"cannot be read: {error.strerror or error}") from error

    def _watched(self, file: IO[bytes], number: int, packed: int) -> Iterator[bytes]:
        size, new = 0, number not in self.counted
        self.counted.add(number)
        for chunk in capped(file):
            size += len(chunk)
            self.total += len(chunk) * new
            if size > max(RATIO_FROM, RATIO * packed):
                raise Unfit(f"unpacks to more than {RATIO} times its size")
            if new and self.total > ARCHIVE_BYTES:
                raise Unfit(f"its zip unpacks to more than {ARCHIVE_BYTES / 2**30:g} GiB")
            yield chunk


def _in_zip(archive: _Archive, prefix: str, path: str) -> Iterator[Upload]:
    try:
        entries = archive.open().infolist()
        if len(entries) > ARCHIVE_ENTRIES:
            raise Unfit(f"a zip of more than {ARCHIVE_ENTRIES} files")
    except (*DAMAGES, OSError) as error:
        yield faulty(path, archive.came, f"no zip that can be read: {error}")
        return
    except Unfit as error:
        yield faulty(path, archive.came, str(error))
        return
    for number, info in enumerate(entries):
        name = _name_of(info)
        parts = name.split("/")
        if info.is_dir() or OF_SYSTEMS & set(parts) or parts[-1].startswith("._"):
            continue
        saved = _saved(info) or archive.came
        came = archive.came if prefix else saved  # what a student packed has the times of the student's machine
        if fault := fault_in(name) or _fault_of_entry(info, name):
            yield faulty(prefix + name, came, fault)
        else:
            tidy = "/".join(part for part in parts if part not in ("", "."))
            yield Upload(prefix + tidy, came, saved, lambda number=number: archive.read(number))  # type: ignore[misc]


def _name_of(info: zipfile.ZipInfo) -> str:
    """The name as it stands in the zip; macOS writes UTF-8 without saying so."""
    if info.flag_bits & 0x800:
        return info.orig_filename
    try:
        return info.orig_filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.orig_filename


def _fault_of_entry(info: zipfile.ZipInfo, name: str) -> str:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        return "a link" if kind == stat.S_IFLNK else "no plain file"
    if info.flag_bits & 0x1:
        return "encrypted"
    if name.lower().endswith(".zip"):
        return "a zip in a zip: unpack the outer one, and collect the folder"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "packed by another method than deflate"
    return fault_of_file(name, info.file_size)


def _saved(info: zipfile.ZipInfo) -> datetime | None:
    """When an entry was last written: in UTC where the zip says so, else by the clock on this machine's wall."""
    extra = info.extra
    while len(extra) >= 4:
        tag, size = struct.unpack("<HH", extra[:4])
        if tag == 0x5455 and size >= 5 and len(extra) >= 9 and extra[4] & 1:
            return moment(struct.unpack("<I", extra[5:9])[0])
        extra = extra[4 + size :]
    try:
        there = datetime(*info.date_time)
        return None if there == datetime(1980, 1, 1) else there.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
