"""Where the files of a data set lie: in ``$ADVCOURSE_DATA`` or in the cache."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from advcourse.data import _sets


class Missing(FileNotFoundError):
    """The set is in none of the places it was looked for; the message says which, and why no download."""

    reason = "none to be had"


def given_folder() -> Path | None:
    """``$ADVCOURSE_DATA``, whose files are never changed."""
    given = os.environ.get("ADVCOURSE_DATA")
    return Path(os.path.expanduser(given)) if given else None


def cache_folder() -> Path:
    """Where downloads go: ``$ADVCOURSE_CACHE``, else ``advcourse`` in the user's cache folder.

    For a user without a home folder it lies among the temporary files.
    """
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    folder = os.path.expanduser(os.environ.get("ADVCOURSE_CACHE") or f"{base}/advcourse")
    if folder.startswith("~"):
        return Path(tempfile.gettempdir(), f"advcourse-{getattr(os, 'getuid', int)()}")
    return Path(folder)


def roots() -> list[Path]:
    """Where sets are looked for, in this order."""
    given = given_folder()
    return [*([given] if given else []), cache_folder()]


def find(name: str, split: str) -> Path | None:
    """First root that holds the set's split, or a part of it, or a folder for it that may not be looked into."""
    parts = _sets.PARTS.get((name, split))
    if parts is None:
        parts = [f"{file}{end}" for file in _sets.FILES[name, split] for end in ("", ".gz")]
    return next((root for root in roots() if any(any(root.glob(part)) or _closed(root, part) for part in parts)), None)


def _closed(root: Path, part: str) -> bool:
    above = (folder for folder in (root / part).parents if folder.is_relative_to(root))
    return any(os.path.isdir(folder) and not os.access(folder, os.R_OK | os.X_OK) for folder in above)
