"""What is said of a set that is not whole, and that one is."""

import builtins
import contextlib
import errno
import io
import os
from pathlib import Path

import pytest

from advcourse import data
from tests.data import mirror


def contents(root: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def refused(name, split, *words):
    """Loading raises an error that names every one of ``words``, changes nothing and stands nothing in."""
    root = Path(data.available()[name])
    before = contents(root)
    with pytest.raises(RuntimeError) as raised:
        data.load(name, split)
    message = str(raised.value)
    assert all(word in message for word in (str(root), *words)), message
    assert "\n" not in message and contents(root) == before
    return message


def is_whole(name, split):
    images, labels, _ = data.load(name, split, stand_in=False)
    count = 43 if name == "gtsrb" else mirror.COUNTS[split]
    assert len(images) == len(labels) == count and images.is_contiguous()


def fails(name, split, capsys, *words):
    """One line and a stand-in where there is one; an error where nothing may stand in."""
    with pytest.raises(data.Missing) as raised:
        data.load(name, split, stand_in=False)
    assert all(word in str(raised.value) for word in (name, *words)), raised.value
    capsys.readouterr()
    if name == "gtsrb":
        with pytest.raises(data.Missing, match="nothing bundled can stand in"):
            data.load(name, split)
        return
    assert len(data.load(name, split, n=2)[0]) == 2
    captured = capsys.readouterr()
    assert captured.err == "" and "stand in" in captured.out.strip().splitlines()[-1]


@contextlib.contextmanager
def forbidden(monkeypatch, path: Path):
    """Inside, this user may not read ``path`` and what is below: also a user to whom no right is denied.

    What is written in its place may be read.
    """

    def stamp():
        return (path.stat().st_ino, path.stat().st_mtime_ns) if path.exists() else None

    def guarded(genuine, denied):
        def call(*given, **named):
            file, mode = given[0], str(given[1] if len(given) > 1 else "r")
            below = isinstance(file, (str, os.PathLike)) and Path(file).is_relative_to(path)
            return denied(file) if below and mode[0] != "w" and stamp() == before else genuine(*given, **named)

        return call

    def deny(file):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(file))

    before = stamp()
    with monkeypatch.context() as patch:
        for module, name in ((builtins, "open"), (io, "open"), (os, "listdir"), (os, "scandir")):
            patch.setattr(module, name, guarded(getattr(module, name), deny))
        patch.setattr(os, "access", guarded(os.access, lambda file: False))
        yield
