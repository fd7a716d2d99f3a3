"""Where the files of a data set lie: in ``$ADVCOURSE_DATA``, in the cache, or downloaded there; each checked."""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from pathlib import Path

from advcourse.data import _sets
from advcourse.runtime import downloading


class Missing(FileNotFoundError):
    """The set is in none of the places it was looked for; the message says which, and why no download."""

    reason = "none to be had"


def cache_folder() -> Path:
    """Where downloads go: ``$ADVCOURSE_CACHE``, else ``advcourse`` in the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.environ.get("ADVCOURSE_CACHE") or f"{base}/advcourse").expanduser()


def roots() -> list[Path]:
    given = os.environ.get("ADVCOURSE_DATA")
    return [*([Path(given).expanduser()] if given else []), cache_folder()]


def find(name: str, split: str) -> Path | None:
    """First root that holds the set's split, or a part of it."""
    patterns = {
        "gtsrb": ["gtsrb32.npz", f"gtsrb/GTSRB/{'Training' if split == 'train' else 'Final_Test'}"],
        "imagenet-samples": ["imagenet/photos/[0-9][0-9][0-9]_*.jpg"],
        "cue-conflict": ["cue_conflict/[a-z]*[0-9]-[a-z]*[0-9].jpg"],
    }
    parts = patterns.get(name) or [f"{file}{end}" for file in _sets.FILES[name, split] for end in ("", ".gz")]
    return next((root for root in roots() if any(any(root.glob(part)) for part in parts)), None)


def root_of(name: str, split: str) -> Path:
    """The root that holds the set, after a download where that is what it takes."""
    found = find(name, split)
    if found is None and name not in _sets.DOWNLOADERS:
        raise Missing(f"{name} is found in $ADVCOURSE_DATA alone, which is {os.environ.get('ADVCOURSE_DATA')}")
    return found or download(name, split)


refused: dict[tuple[str, Path], Missing] = {}
"""Downloads that failed in this process: a network that does not answer is waited for once."""


def download(name: str, split: str) -> Path:
    import torchvision.datasets

    folder = cache_folder()
    if (name, folder) in refused:
        raise refused[name, folder]
    dataset = getattr(torchvision.datasets, _sets.DOWNLOADERS[name])
    try:
        with downloading():
            dataset(folder, download=True, **({"split": split} if name == "gtsrb" else {"train": split == "train"}))
    except (OSError, RuntimeError) as error:
        places = " or ".join(map(str, roots()))
        missing = Missing(f"{name} is not in {places}, and its download failed ({error})")
        missing.reason = str(error)
        refused[name, folder] = missing
        raise missing from error
    return folder


def damaged(file: Path, reason: object) -> RuntimeError:
    return RuntimeError(f"{file} is damaged ({reason}): delete it and load the set again, or unpack it again")


def checked(name: str, split: str) -> list[bytes]:
    """The contents of the set's files, each compared with its checksum; what the cache lacks is fetched again."""
    root = root_of(name, split)
    files = [root / relative for relative in _sets.FILES[name, split]]
    if root == cache_folder() and not all(_packed(file).is_file() for file in files):
        download(name, split)
    return [_content(file, md5s) for file, md5s in zip(files, _sets.FILES[name, split].values(), strict=True)]


def _packed(file: Path) -> Path:
    """The file, or what it is unpacked from where only that is there."""
    archive = file.with_name(file.name + ".gz")
    return archive if archive.is_file() and not file.is_file() else file


def _content(file: Path, accepted: list[str]) -> bytes:
    source = _packed(file)
    if not source.is_file():
        raise damaged(file, "it is missing from the set")
    try:
        content = source.read_bytes() if source == file else gzip.decompress(source.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise damaged(source, error) from error
    if hashlib.md5(content, usedforsecurity=False).hexdigest() not in accepted:
        raise damaged(source, f"{source.stat().st_size} bytes, and its md5 is not the published one")
    return content
