"""Cached eigenbases: those of each image whatever the order, whole files only, and nothing found twice."""

import json
import os
import sys

import pytest
import torch

from advcourse.structured import BasisCache, cache_eigenbases, eigenbases
from advcourse.structured._basis_cache import fingerprints
from tests.support.files import cut, flip
from tests.support.recorders import watched
from tests.support.scenes import seeded
from tests.support.toys import pictures

K = 4
MODULE = sys.modules["advcourse.structured._basis_cache"]


def make(images, folder, **settings):
    return cache_eigenbases(images, K, folder, **({"shard_size": 4, "progress": False} | settings))


@pytest.fixture
def counted(monkeypatch):
    """How many bases are found."""
    return watched(monkeypatch, MODULE, "eigenbasis")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_image_gets_its_own_basis_in_any_order(dtype, tmp_path):
    images = pictures(11, dtype=dtype)
    cache = make(images, tmp_path)
    assert len(cache) == 11 and len(list(tmp_path.glob("*.safetensors"))) == 3
    rows = torch.tensor([10, 0, 3, 4, 3, 9])
    for found, expected in zip(cache.of(images[rows]), eigenbases(images[rows], K), strict=True):
        assert torch.equal(found, expected) and found.dtype == dtype
    assert cache.settings["k"] == K


def test_settings_reach_the_bases(tmp_path):
    images = pictures(3)
    cache = make(images, tmp_path, weight="norm", floor=0.2)
    assert torch.equal(cache.of(images).vectors, eigenbases(images, K, weight="norm", floor=0.2).vectors)
    assert not torch.equal(cache.of(images).vectors, eigenbases(images, K).vectors)


def test_several_processes_find_the_same(tmp_path):
    images = pictures(6)
    one, two = make(images, tmp_path / "one"), make(images, tmp_path / "two", workers=2)
    torch.testing.assert_close(one.of(images).vectors, two.of(images).vectors, rtol=0, atol=1e-9)


def test_processes_need_no_file_and_no_shared_memory_for_an_image(tmp_path):
    """Tensors that come from another process hold an open file each, and those that go to one move to /dev/shm."""
    resource = pytest.importorskip("resource")
    images = pictures(80)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = max(int(name) for name in os.listdir("/dev/fd")) + 80  # spare ones; two for each of 80 bases would not do
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, limits[1]))
    try:
        cache = make(images, tmp_path, workers=2, shard_size=80)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert len(cache) == 80 and not images.is_shared()


def test_where_no_pool_can_be_had_one_process_finds_the_same_and_says_so(tmp_path, monkeypatch, capsys):
    """Without /dev/shm the pool has no place for its semaphores."""

    def full(*given, **named):
        raise OSError(28, "No space left on device")

    images = pictures(6)
    one = make(images, tmp_path / "one")
    monkeypatch.setattr(MODULE, "ProcessPoolExecutor", full)
    fallen = make(images, tmp_path / "fallen", workers=2)
    assert torch.equal(fallen.of(images).vectors, one.of(images).vectors)
    assert capsys.readouterr().out == (
        "No 2 processes to be had here ([Errno 28] No space left on device): one finds the eigenbases.\n"
    )


def test_an_interrupted_cache_goes_on(tmp_path, monkeypatch, counted):
    images = pictures(11)
    find = MODULE.eigenbasis

    def interrupted(image, **settings):
        if torch.equal(image, images[9]):
            raise KeyboardInterrupt
        return find(image, **settings)

    with monkeypatch.context() as during:
        during.setattr(MODULE, "eigenbasis", interrupted)
        with pytest.raises(KeyboardInterrupt):
            make(images, tmp_path)
    assert len(list(tmp_path.glob("*.safetensors"))) == 2 and len(counted) == 9
    cache = make(images, tmp_path)
    assert len(counted) == 9 + 3
    assert torch.equal(cache.of(images).vectors, eigenbases(images, K).vectors)
    make(images, tmp_path)
    assert len(counted) == 12


@pytest.mark.parametrize("harm", ["flipped", "cut", "no card", "broken card"])
def test_a_damaged_shard_is_refused_and_made_again(harm, tmp_path, counted):
    images = pictures(8)
    make(images, tmp_path)
    shard = tmp_path / "bases-00001.safetensors"
    card = shard.with_suffix(".json")
    if harm == "flipped":
        flip(shard, -9)
    elif harm == "cut":
        cut(shard, 8)
    elif harm == "no card":
        card.unlink()
    else:
        card.write_text("{")
    with pytest.raises(RuntimeError, match="bases-00001.* damaged .*make the cache again"):
        BasisCache(tmp_path)
    repaired = make(images, tmp_path)
    assert len(counted) == 8 + 4
    assert torch.equal(repaired.of(images).vectors, eigenbases(images, K).vectors)


def test_a_cache_of_other_images_or_settings_is_refused(tmp_path):
    images = pictures(8)
    make(images, tmp_path)
    for given, settings in ((images.flip(0), {}), (images, {"floor": 0.1}), (images, {"weight": "norm"})):
        with pytest.raises(ValueError, match="folder holds bases-00000.safetensors of .*expected .*another folder"):
            make(given, tmp_path, **settings)
    with pytest.raises(ValueError, match="folder holds bases-00001.safetensors, which is not of these 4 images"):
        make(images[:4], tmp_path)
    make(images[:4], tmp_path / "other", floor=0.1)
    for end in ("safetensors", "json"):
        (tmp_path / "other" / f"bases-00000.{end}").rename(tmp_path / f"bases-00002.{end}")
    with pytest.raises(
        RuntimeError, match="bases-00002.safetensors was made with .*0.1.*expected .*0.05.* bases-00000"
    ):
        BasisCache(tmp_path)
    with pytest.raises(FileNotFoundError, match="no eigenbases in"):
        BasisCache(tmp_path / "elsewhere")


def test_images_that_it_does_not_know_are_refused(tmp_path):
    images = pictures(5)
    cache = make(images, tmp_path)
    other = images.clone()
    other[2, 0, 0, 0] = torch.nextafter(other[2, 0, 0, 0], torch.tensor(0.5).double())
    with pytest.raises(ValueError, match="images holds 1 of 5 that are not in the cache"):
        cache.of(other)
    with pytest.raises(ValueError, match="images is of .*float32.*expected .*float64"):
        cache.of(images.float())
    with pytest.raises(ValueError, match=r"images is of .*\[2, 6, 8\].*expected .*\[2, 8, 6\]"):
        cache.of(images.mT)
    with pytest.raises(ValueError, match="images has dtype torch.float16, expected torch.float32 or torch.float64"):
        cache_eigenbases(images.half(), 2, tmp_path / "bad")
    for bad in ({"k": 0}, {"shard_size": 0}, {"workers": 0}):
        with pytest.raises(ValueError, match=f"{next(iter(bad))} is 0, expected at least 1"):
            cache_eigenbases(images, **({"k": 2, "folder": tmp_path / "bad", "progress": False} | bad))


def test_cards_say_what_the_shard_holds(tmp_path):
    make(pictures(5), tmp_path)
    card = json.loads((tmp_path / "bases-00001.json").read_text())
    assert (card["k"], card["shape"], card["dtype"], card["weight"]) == (K, [2, 8, 6], "torch.float64", "strength")
    assert card["bytes"] == (tmp_path / "bases-00001.safetensors").stat().st_size


def test_fingerprints_tell_apart_images_of_few_levels():
    """Bits of 0 and 1 differ in their upper parts only, and sums of their products could meet."""
    draws = seeded()
    for dtype in (torch.float32, torch.float64):
        images = torch.randint(0, 2, (5000, 1, 8, 8), generator=draws).to(dtype).unique(dim=0)
        one_pixel = torch.zeros(64, 1, 8, 8, dtype=dtype)
        one_pixel.view(64, 64).fill_diagonal_(1)
        prints = fingerprints(torch.cat([images, one_pixel]))
        assert len(prints.unique()) == len(prints) and prints.dtype == torch.int64
        assert torch.equal(fingerprints(images[7:9]), fingerprints(images)[7:9])
        assert len((prints & 0xFF).unique()) > 200  # spread over the lower bits as well


@pytest.mark.gpu
def test_a_device_sees_the_same_fingerprints(tmp_path):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    images = pictures(5, dtype=torch.float32)
    cache = make(images, tmp_path)
    assert torch.equal(fingerprints(images.cuda()).cpu(), fingerprints(images))
    found = cache.of(images.cuda())
    assert found.vectors.is_cuda and torch.equal(found.vectors.cpu(), cache.of(images).vectors)
