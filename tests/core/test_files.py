"""Files that are written whole: several writers and readers of one, failures in the middle, places without a lock."""

import json
import multiprocessing
import time
from pathlib import Path

import pytest
import torch

from advcourse.core import files

ADVICE = "make it again"


def write_often(path: str, value: int, seconds: float) -> None:
    until, turn = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        turn += 1
        files.write(Path(path), {"x": torch.full((300 + turn % 7,), float(value))}, {"by": value})


def read_often(path: str, seconds: float, found: multiprocessing.Queue) -> None:
    until, read = time.monotonic() + seconds, 0
    try:
        while time.monotonic() < until:
            (x,) = files.read(Path(path), ADVICE).values()
            assert len(x.unique()) == 1
            assert files.verified(Path(path), ADVICE)["by"] in (1, 2)
            read += 1
        found.put(read)
    except BaseException as error:
        found.put(repr(error))


@pytest.mark.slow
def test_two_writers_and_two_readers_of_one_file_never_see_it_missing_or_damaged(tmp_path):
    path, seconds, spawn = tmp_path / "x.safetensors", 1.5, multiprocessing.get_context("spawn")
    files.write(path, {"x": torch.ones(3)}, {"by": 1})
    found = spawn.Queue()
    workers = [spawn.Process(target=write_often, args=(str(path), value, seconds)) for value in (1, 2)]
    workers += [spawn.Process(target=read_often, args=(str(path), seconds, found)) for _ in range(2)]
    for worker in workers:
        worker.start()
    read = [found.get(timeout=60) for _ in range(2)]
    for worker in workers:
        worker.join(60)
    assert all(isinstance(each, int) and each > 5 for each in read), read
    assert files.verified(path, ADVICE)["sha256"]
    assert {each.name for each in tmp_path.iterdir()} == {"x.safetensors", "x.json"}


def test_a_failure_in_the_middle_leaves_what_was_there(tmp_path):
    path = tmp_path / "new" / "x.bin"
    for content in (b"first", b"second"):
        with files.replacing(path) as file:
            file.write(content)

    def fail():
        with files.replacing(path) as file:
            file.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert path.read_bytes() == b"second"
    assert [each.name for each in path.parent.iterdir()] == ["x.bin"]


def test_files_have_the_rights_that_the_user_gives_new_files(tmp_path):
    (tmp_path / "plain").touch()
    files.write_json(tmp_path / "x.json", {"a": "é"})
    assert (tmp_path / "x.json").stat().st_mode == (tmp_path / "plain").stat().st_mode
    assert json.loads((tmp_path / "x.json").read_text(encoding="utf-8")) == {"a": "é"}


def test_a_file_and_a_card_that_do_not_agree_are_named(tmp_path):
    path = tmp_path / "x.safetensors"
    with pytest.raises(FileNotFoundError, match=ADVICE):
        files.read(path, ADVICE)
    with pytest.raises(FileNotFoundError, match=ADVICE):
        files.verified(path, ADVICE)
    files.write(path, {"x": torch.ones(3)}, {})
    for read in (files.read, files.verified):
        read(path, ADVICE)
    files.write_json(path.with_suffix(".json"), {"sha256": "0"})
    for read in (files.read, files.verified):
        with pytest.raises(RuntimeError, match=rf"damaged.*{ADVICE}"):
            read(path, ADVICE)
    path.with_suffix(".json").unlink()
    for read in (files.read, files.verified):
        with pytest.raises(RuntimeError, match=rf"x.json is missing or damaged.*{ADVICE}"):
            read(path, ADVICE)


def test_without_the_right_to_lock_files_are_read(tmp_path, monkeypatch):
    """A read-only installation: there is no writer to wait for."""
    path = tmp_path / "x.safetensors"
    files.write(path, {"x": torch.ones(3)}, {})
    monkeypatch.setattr("filelock.FileLock.acquire", lambda self: (_ for _ in ()).throw(PermissionError("read-only")))
    assert files.read(path, ADVICE)["x"].sum() == 3
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(RuntimeError, match="damaged"):
        files.read(path, ADVICE)
