"""Files and folders that are there and cannot be read are named, and kept."""

import shutil
from pathlib import Path

import pytest

from advcourse import data
from tests.data import mirror
from tests.data.checks import forbidden, refused
from tests.data.layouts import arrays, final, lay_out, photographs, signs


@pytest.fixture
def digits_given(given, monkeypatch) -> Path:
    mirror.serve(monkeypatch)
    return lay_out(given / "MNIST/raw", mirror.idx_files())


def test_a_file_that_is_a_folder_is_named(digits_given):
    file = digits_given / "t10k-labels-idx1-ubyte"
    file.unlink()
    file.mkdir()
    refused("mnist", "test", f"{file} cannot be read", "directory")


def test_a_class_folder_that_is_a_file_is_named(given):
    folder = signs(given) / "00031"
    shutil.rmtree(folder)
    folder.write_text("no folder")
    final(given)
    refused("gtsrb", "train", f"{folder} cannot be read", "Not a directory")


@pytest.mark.parametrize("denied", ["", "00031", "00031/00000.ppm"])
def test_frames_that_may_not_be_read_are_named(given, monkeypatch, denied):
    folder = signs(given)
    with forbidden(monkeypatch, folder / denied), pytest.raises(RuntimeError) as raised:
        data.load("gtsrb", "train")
    assert f"{folder / denied} cannot be read (Permission denied)" in str(raised.value)


def test_an_archive_that_is_a_folder_is_named(given):
    (given / "gtsrb32.npz").mkdir()
    refused("gtsrb", "test", "gtsrb32.npz cannot be read", "directory")


@pytest.mark.parametrize("denied", ["MNIST/raw/t10k-images-idx3-ubyte", "MNIST/raw", "MNIST", "."])
def test_what_may_not_be_read_is_named_and_kept(digits_given, given, monkeypatch, denied):
    with forbidden(monkeypatch, given / denied), pytest.raises(RuntimeError, match="cannot be read .Permission denied"):
        data.load("mnist")
    assert len(data.load("mnist")[0]) == mirror.COUNTS["test"]


@pytest.mark.parametrize("denied", ["imagenet/photos", "imagenet/photos/007_thing.jpg"])
def test_photographs_that_may_not_be_read_are_named(given, monkeypatch, denied):
    photographs(given, 155)
    with forbidden(monkeypatch, given / denied), pytest.raises(RuntimeError) as raised:
        data.load("imagenet-samples")
    assert f"{given / denied} cannot be read (Permission denied)" in str(raised.value)


def test_a_machine_out_of_files_is_no_damage(digits_given, monkeypatch):
    def exhausted(*_, **__):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr("io.open", exhausted)
    with pytest.raises(RuntimeError, match="t10k-images-idx3-ubyte could not be read .Too many open files"):
        data.load("mnist")


def test_a_machine_out_of_memory_is_no_damage(given, monkeypatch):
    def exhausted(*_, **__):
        raise MemoryError

    arrays(given)
    monkeypatch.setattr("numpy.load", exhausted)
    with pytest.raises(MemoryError):
        data.load("gtsrb")


def test_a_folder_of_an_unknown_user_is_named(given, monkeypatch):
    monkeypatch.setenv("ADVCOURSE_DATA", "~nobody-of-this-name/data")
    for name in ("mnist", "imagenet-samples"):
        with pytest.raises(data.Missing, match="~nobody-of-this-name/data"):
            data.load(name)


@pytest.mark.parametrize("name", ["mnist", "cue-conflict", "gtsrb"])
def test_data_in_a_file_are_missing(given, monkeypatch, name):
    (given / "file").write_text("no folder")
    monkeypatch.setenv("ADVCOURSE_DATA", str(given / "file"))
    with pytest.raises(data.Missing, match="file"):
        data.load(name)
