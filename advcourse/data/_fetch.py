"""A set from the first place that holds it; what the cache lacks, or holds damaged, torchvision downloads."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic

from advcourse.core.files import locked
from advcourse.data import _sets
from advcourse.data._places import Missing, cache_folder, find, given_folder, roots
from advcourse.data._whole import Damaged, Loaded, checked
from advcourse.runtime import DownloadFailed, downloading

REMEMBERED = 60.0
"""Seconds for which a failed download is not tried again: a silent server costs patience, and an outage ends."""

_failed: dict[tuple[str, Path], tuple[float, str]] = {}


def obtain(name: str, split: str, read: Callable[[Path, str], Loaded]) -> Loaded:
    """What ``read`` makes of the set; what it finds damaged in the cache is fetched again, elsewhere it is an error."""
    root, cache = find(name, split), cache_folder()
    if root is None and name not in _sets.DOWNLOADERS:
        given = f"{given_folder()} and has no {_sets.PARTS[name, split][0]}" if given_folder() else "not set"
        raise Missing(f"{name} is found in $ADVCOURSE_DATA alone, which is {given}")
    if root is not None and (root == given_folder() or name not in _sets.DOWNLOADERS):
        return read(root, split)
    if root is not None:
        with suppress(Damaged):
            return read(root, split)
    with locked(cache / name):
        try:
            return read(cache, split)  # another process may have fetched it in the meantime
        except Damaged as damage:
            _download(name, split, damage)
        return read(cache, split)


def at_hand(name: str) -> Path | None:
    """The folder in which the set lies. What is damaged in the cache does not lie there: others may stand in for it."""
    root = find(name, "test")
    if root is not None and root != given_folder() and (name, "test") in _sets.FILES:
        try:
            checked(root, name, "test")
        except RuntimeError:
            return None
    return root


def _download(name: str, split: str, damage: Damaged) -> None:
    cache = cache_folder()
    since, reason = _failed.get((name, cache), (-REMEMBERED, ""))
    cause: OSError | None = None
    if not reason or monotonic() - since >= REMEMBERED:
        try:
            _make_room(cache, name, split, damage.file)
            _run_torchvision(cache, name, split)
            return
        except OSError as error:
            cause, reason = error, str(error)
            if isinstance(error, DownloadFailed):  # what is wrong with the cache may be mended at once
                _failed[name, cache] = monotonic(), reason
    lack = f" ({damage.finding})" if find(name, split) else ""
    missing = Missing(f"{name} is not in {' or '.join(map(str, roots()))}{lack}, and its download failed ({reason})")
    missing.reason = reason
    raise missing from cause


def _run_torchvision(cache: Path, name: str, split: str) -> None:
    import torchvision.datasets

    dataset = getattr(torchvision.datasets, _sets.DOWNLOADERS[name])
    with downloading():
        dataset(cache, download=True, **({"split": split} if name == "gtsrb" else {"train": split == "train"}))


def _make_room(cache: Path, name: str, split: str, damaged: Path) -> None:
    """A cache that can be written, without what is damaged in it and what torchvision takes for whole by its name."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=cache) as file:
            file.write(b"x")
    except OSError as error:
        reason = f"nothing can be written in {cache}, the cache: {error.strerror}; ADVCOURSE_CACHE names another"
        raise OSError(reason) from error
    for path in (damaged, *(cache / folder for folder in _sets.UNPACKED.get((name, split), ()))):
        if not path.parent.resolve().is_relative_to(cache.resolve()):
            raise OSError(f"{path} leads outside of {cache}, the cache")
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
