"""What a download that broke off leaves behind heals; nothing outside of the cache is touched."""

import gzip
import http.client
import os
import shutil
from contextlib import nullcontext

import pytest
import torch

from advcourse import data
from tests.data import mirror
from tests.data.checks import fails, forbidden, is_whole
from tests.data.layouts import lay_out
from tests.data.mirror import SETS
from tests.support.files import cut


@pytest.mark.parametrize(("name", "split"), SETS)
@pytest.mark.parametrize("fault", [http.client.IncompleteRead(b""), ConnectionResetError("reset"), KeyboardInterrupt()])
def test_a_stopped_download_heals(server, clock, capsys, name, split, fault):
    server.fault = fault
    if isinstance(fault, KeyboardInterrupt):
        with pytest.raises(KeyboardInterrupt):
            data.load(name, split)
    else:
        fails(name, split, capsys)
        assert data.available()[name] is None
    server.fault = None
    clock[0] += 61
    is_whole(name, split)


@pytest.mark.parametrize(("name", "split"), SETS)
@pytest.mark.parametrize("harm", [os.remove, lambda file: cut(file, 3), lambda file: open(file, "w").close()])
def test_a_stopped_unpacking_heals_without_a_network(server, cache, name, split, harm):
    is_whole(name, split)
    for relative in mirror.unpacked(name, split)[1:]:
        harm(cache / relative)
    server.asked.clear()
    is_whole(name, split)
    assert server.asked == []


@pytest.mark.parametrize(("name", "split"), SETS)
def test_what_is_damaged_in_the_cache_is_fetched_again(server, cache, name, split):
    is_whole(name, split)
    for file in cache.rglob("*"):
        if file.is_file():
            cut(file, file.stat().st_size // 2)
    server.asked.clear()
    is_whole(name, split)
    assert server.asked


@pytest.mark.parametrize("split", ["train", "test"])
def test_missing_class_folders_and_a_missing_table_are_unpacked_again(server, cache, split):
    is_whole("gtsrb", split)
    folder = cache / "gtsrb"
    shutil.rmtree(folder / "GTSRB/Training/00042") if split == "train" else os.remove(folder / "GT-final_test.csv")
    is_whole("gtsrb", split)


@pytest.mark.parametrize("content", [b"PK cut off", None])
def test_an_archive_in_the_cache_that_is_none_gives_way_to_frames(server, cache, content):
    cache.mkdir()
    (cache / "gtsrb32.npz").write_bytes(content) if content else (cache / "gtsrb32.npz").mkdir()
    is_whole("gtsrb", "test")
    assert not (cache / "gtsrb32.npz").exists()


@pytest.mark.parametrize("kind", ["folder", "may not be read"])
def test_files_of_the_cache_that_cannot_be_read_are_replaced(server, cache, monkeypatch, kind):
    is_whole("mnist", "test")
    file = cache / "MNIST/raw/t10k-labels-idx1-ubyte"
    if kind == "folder":
        file.unlink()
        (file / "more").mkdir(parents=True)
    with forbidden(monkeypatch, file) if kind == "may not be read" else nullcontext():
        is_whole("mnist", "test")
    assert file.is_file()


def test_packed_files_alone_are_read_as_they_are_and_a_damaged_one_is_fetched_again(server, cache):
    lay_out(cache / "MNIST/raw", {n: c for n, c in server.files.items() if n.startswith("t10k")})
    is_whole("mnist", "test")
    assert server.asked == []
    cut(cache / "MNIST/raw/t10k-images-idx3-ubyte.gz", 9)
    is_whole("mnist", "test")
    assert "t10k-images-idx3-ubyte.gz" in server.asked


def test_what_stays_damaged_after_a_download_is_named(server, cache, monkeypatch):
    monkeypatch.setattr("torchvision.datasets.MNIST", lambda *_, **__: None)
    with pytest.raises(RuntimeError, match="t10k-images-idx3-ubyte is damaged .it is missing"):
        data.load("mnist")


@pytest.mark.parametrize(("name", "split"), SETS)
def test_what_is_damaged_and_cannot_be_fetched_is_said_and_counts_as_absent(server, cache, capsys, name, split):
    """A notebook that asks ``available`` first must not be told that a set is here and then be handed digits."""
    is_whole(name, split)
    is_whole(name, "test")
    for file in (file for file in cache.rglob("*") if file.is_file()):
        cut(file, file.stat().st_size // 2)
    if name != "gtsrb":  # for which nothing stands in
        assert data.available()[name] is None
    server.fault = OSError("no network in this test")
    fails(name, split, capsys, "damaged", "no network in this test")


def test_what_is_damaged_in_the_given_folder_is_not_mended_by_the_cache(server, cache, monkeypatch, tmp_path):
    mine = lay_out(tmp_path / "mine/MNIST/raw", mirror.idx_files())
    cut(mine / "t10k-labels-idx1-ubyte")
    is_whole("mnist", "test")
    for given, named in ((tmp_path / "mine", mine), (cache, cache / "MNIST/raw")):  # also where the two are one folder
        if given == cache:
            cut(named / "t10k-labels-idx1-ubyte")
        monkeypatch.setenv("ADVCOURSE_DATA", str(given))
        before = (named / "t10k-labels-idx1-ubyte").read_bytes()
        with pytest.raises(RuntimeError, match=f"{named}/t10k-labels-idx1-ubyte is damaged"):
            data.load("mnist")
        assert (named / "t10k-labels-idx1-ubyte").read_bytes() == before


def test_nothing_is_removed_through_a_link_out_of_the_cache(server, cache, capsys, tmp_path):
    mine = lay_out(tmp_path / "mine/MNIST/raw", mirror.idx_files())
    cut(mine / "t10k-labels-idx1-ubyte")
    before = {file: file.read_bytes() for file in mine.iterdir()}
    cache.mkdir()
    (cache / "MNIST").symlink_to(tmp_path / "mine/MNIST")
    fails("mnist", "test", capsys, "outside")
    assert {file: file.read_bytes() for file in mine.iterdir()} == before


def test_the_archives_of_the_cache_are_gzip(server):
    """What the mirror serves is what torchvision would be served: the md5 sums and the packing are its own."""
    assert gzip.decompress(server.files["t10k-labels-idx1-ubyte.gz"])[8:] == bytes([0, 1])
    assert torch.equal(data.load("mnist")[1], torch.tensor([0, 1]))
