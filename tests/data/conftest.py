"""Places of data sets that belong to one test."""

import tempfile
from pathlib import Path

import pytest

from advcourse.data import _fetch
from tests.data import mirror


@pytest.fixture(autouse=True)
def own_temporary_files(monkeypatch, tmp_path):
    """Locks of downloads lie there."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))


@pytest.fixture
def given(own_cache, offline, monkeypatch, tmp_path) -> Path:
    """A folder of the user's own, with a space and signs of patterns in its name, in ``$ADVCOURSE_DATA``."""
    folder = tmp_path / "my data [old]"
    folder.mkdir()
    monkeypatch.setenv("ADVCOURSE_DATA", str(folder))
    return folder


@pytest.fixture
def clock(monkeypatch) -> list[float]:
    """The seconds that the library believes to have passed, to be changed."""
    time = [1000.0]
    monkeypatch.setattr(_fetch, "monotonic", lambda: time[0])
    return time


@pytest.fixture
def server(own_cache, monkeypatch, clock):
    return mirror.serve(monkeypatch)


@pytest.fixture
def cache(own_cache) -> Path:
    return own_cache
