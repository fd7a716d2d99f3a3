"""Caches that cannot be read or written, have odd names or no home folder to lie in."""

import errno
import os
import tempfile
from pathlib import Path

import pytest

from advcourse import data
from tests.data.checks import fails, is_whole
from tests.data.mirror import SETS


@pytest.mark.parametrize("name", ["mnist", "cifar10", "gtsrb"])
@pytest.mark.parametrize("below", ["", "below/it"])
def test_a_cache_that_is_a_file(server, tmp_path, monkeypatch, capsys, name, below):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("ADVCOURSE_CACHE", str(tmp_path / "file" / below))
    fails(name, "test", capsys, "nothing can be written", "ADVCOURSE_CACHE")
    assert data.available()[name] is None
    assert server.asked == []  # nothing is fetched that cannot be kept
    assert (tmp_path / "file").read_text() == "in the way"


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC, errno.EDQUOT])
def test_a_cache_in_which_nothing_can_be_written(server, cache, monkeypatch, capsys, number):
    def refuse(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    fails("cifar10", "test", capsys, os.strerror(number), str(cache))
    assert server.asked == []


def test_a_cache_that_can_be_written_again_is_written_at_once(server, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("ADVCOURSE_CACHE", str(tmp_path / "file"))
    fails("mnist", "test", capsys)
    (tmp_path / "file").unlink()
    is_whole("mnist", "test")


def test_a_cache_that_is_full_in_the_middle(server, capsys, clock):
    server.fault = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    fails("cifar10", "train", capsys, "No space left on device")
    server.fault = None
    clock[0] += 61
    is_whole("cifar10", "train")


def test_a_cache_that_cannot_be_written_is_read(server, cache, monkeypatch):
    is_whole("mnist", "test")
    monkeypatch.setattr(tempfile, "TemporaryFile", None)
    is_whole("mnist", "test")


def test_a_cache_whose_name_has_spaces_and_signs_of_patterns(server, monkeypatch, tmp_path):
    monkeypatch.setenv("ADVCOURSE_CACHE", str(tmp_path / "my cache [old].gz *é"))
    for name, split in SETS:
        is_whole(name, split)
    assert set(data.available().values()) - {None, "bundled"} == {tmp_path / "my cache [old].gz *é"}


@pytest.fixture
def homeless(monkeypatch, tmp_path):
    """A user without a home folder and without an entry in the password file, as in many containers."""
    for variable in ("HOME", "USERPROFILE", "HOMEDRIVE", "HOMEPATH", "XDG_CACHE_HOME", "ADVCOURSE_CACHE"):
        monkeypatch.delenv(variable, raising=False)

    def unknown(*_):
        raise KeyError("uid not found")

    monkeypatch.setattr("pwd.getpwuid", unknown)
    monkeypatch.setattr("pwd.getpwnam", unknown)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


@pytest.mark.parametrize("chosen", [None, "~/cache"])
def test_a_user_without_a_home_folder(server, homeless, monkeypatch, tmp_path, capsys, chosen):
    if chosen:
        monkeypatch.setenv("ADVCOURSE_CACHE", chosen)
    assert data.cache_folder().parent == Path(tempfile.gettempdir())
    server.fault = OSError("no network in this test")
    fails("mnist", "test", capsys)
    server.fault = None
    is_whole("cifar10", "train")
    assert list((tmp_path / "here").iterdir()) == []  # no folder named "~"


def test_a_folder_given_by_a_user_without_a_home_folder(server, homeless, monkeypatch):
    monkeypatch.setenv("ADVCOURSE_DATA", "~/data")
    server.fault = OSError("no network in this test")
    with pytest.raises(data.Missing, match="mnist is not in ~/data or"):
        data.load("mnist")
