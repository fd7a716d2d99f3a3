"""Data sets: what is handed out, from where, and what is said when it cannot be."""

import gzip
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from advcourse import data
from tests.data.mirror import Response
from tests.support.files import cut, flip

REAL = os.environ.get("ADVCOURSE_DATA")
SHAPES = {
    "digits": (1, 8, 8),
    "mnist": (1, 28, 28),
    "fashion-mnist": (1, 28, 28),
    "cifar10": (3, 32, 32),
    "gtsrb": (3, 32, 32),
    "photos": (3, 224, 224),
    "imagenet-samples": (3, 224, 224),
    "cue-conflict": (3, 224, 224),
}
COUNTS = {
    ("digits", "train"): 1437,
    ("digits", "test"): 360,
    ("mnist", "train"): 60_000,
    ("mnist", "test"): 10_000,
    ("fashion-mnist", "test"): 10_000,
    ("cifar10", "test"): 10_000,
    ("cifar10", "train"): 50_000,
    ("gtsrb", "test"): 2580,
    ("photos", "test"): 4,
    ("imagenet-samples", "test"): 155,
    ("cue-conflict", "test"): 160,
}


@pytest.fixture
def nowhere(own_cache, offline):
    """No data, an empty cache and no network."""
    return own_cache


@pytest.mark.data
@pytest.mark.parametrize(("name", "split"), COUNTS)
def test_real_sets(name, split):
    images, labels, classes = data.load(name, split)
    assert images.shape == (COUNTS[name, split], *SHAPES[name])
    assert images.dtype == torch.float32 and images.min() >= 0 and images.max() <= 1
    assert images.max() > 0.9
    assert labels.dtype == torch.int64 and len(labels) == len(images)
    assert labels.min() >= 0 and labels.max() < len(classes)
    assert labels.shape[1:] == ((2,) if name == "cue-conflict" else ())


@pytest.mark.data
def test_published_means():
    """Means and deviations of the training sets, as the data's own notes give them."""
    for name, mean, std in (
        ("mnist", [0.1307], [0.3081]),
        ("fashion-mnist", [0.2860], [0.3530]),
        ("cifar10", [0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616]),
    ):
        images, labels, _ = data.load(name, "train")
        assert images.mean((0, 2, 3)).tolist() == pytest.approx(mean, abs=1e-4)
        assert images.double().std((0, 2, 3)).tolist() == pytest.approx(std, abs=1e-4)
        counts = labels.bincount()
        assert len(counts) == 10 and counts.sum() == len(images)


@pytest.mark.data
def test_pixels_are_in_their_places():
    """Read MNIST's own file by hand, and look for a stop sign's red and a cue-conflict file's two names."""
    raw = (Path(REAL) / "MNIST/raw/t10k-images-idx3-ubyte").read_bytes()
    images, labels, _ = data.load("mnist")
    assert torch.equal(
        (images[7, 0] * 255).round().byte(), torch.tensor(list(raw[16 + 7 * 784 : 16 + 8 * 784])).view(28, 28)
    )
    assert labels[:5].tolist() == [7, 2, 1, 0, 4]
    images, labels, classes = data.load("gtsrb")
    stop = images[labels == classes.index("stop")]
    red, green, blue = stop[:, :, 4:12, 12:20].mean((0, 2, 3))
    assert red > 1.3 * green and red > 1.3 * blue
    first = sorted((Path(REAL) / "cue_conflict").glob("*-*.jpg"))[0].stem
    _, labels, classes = data.load("cue-conflict")
    shape, texture = labels[0].tolist()
    assert first.startswith(classes[shape]) and first.split("-")[1].startswith(classes[texture])
    assert (labels[:, 0] != labels[:, 1]).all() and labels[:, 0].bincount().tolist() == [10] * 16


@pytest.mark.data
def test_ten_classes_of_cifar_are_told_apart_by_a_reference_network():
    from advcourse import models
    from advcourse.core.running import predict

    images, labels, _ = data.load("cifar10", n=300)
    accuracy = (predict(models.load("reference/cifar10_resnet20"), images).argmax(1) == labels).float().mean()
    assert accuracy > 0.86  # 91.73 % on all; three standard errors below at 300


@pytest.mark.data
def test_imagenet_names_and_photographs_agree():
    from advcourse import models
    from advcourse.core.running import predict

    images, labels, classes = data.load("imagenet-samples", n=40)
    assert len(classes) == 1000 and classes[207] == "golden retriever"
    predicted = predict(models.load("reference/imagenet_mobilenet_v2"), images, batch_size=20).argmax(1)
    assert (predicted == labels).float().mean() > 0.75


def test_a_draw_is_fixed_and_begins_a_larger_one():
    few, many = data.load("digits", n=20), data.load("digits", n=60)
    assert torch.equal(few[0], many[0][:20]) and torch.equal(few[1], many[1][:20])
    assert torch.equal(few[1], data.load("digits", n=20)[1])
    assert len(many[1].unique()) == 10
    everything = data.load("digits", n=10**6)
    assert len(everything[1]) == 360 and torch.equal(everything[0][:60], many[0])


def test_train_and_test_digits_are_disjoint():
    (train, _, _), (test, _, _) = data.load("digits", "train"), data.load("digits", "test")
    assert len(train) + len(test) == 1797
    assert len(torch.cat([train, test]).flatten(1).unique(dim=0)) >= 1790  # scikit-learn's set holds a few twins


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("cifar",), "name is 'cifar', expected one of digits, mnist, .*cue-conflict"),
        (("mnist", "valid"), "split is 'valid', expected train or test: mnist"),
        (("photos", "train"), "split is 'train', expected test: photos"),
        (("digits", "test", 0), "n is 0, expected at least 1"),
        (("digits", "test", 2.5), "n is 2.5, expected a whole number"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        data.load(*arguments)


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "cifar10"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_without_data_and_network_digits_stand_in_in_one_line(nowhere, capsys, name, split):
    images, labels, classes = data.load(name, split, n=50)
    assert images.shape == (50, *SHAPES[name]) and images.dtype == torch.float32
    assert images.min() >= 0 and images.max() <= 1 and images.std() > 0.2
    assert classes == list("0123456789") and len(labels) == 50
    captured = capsys.readouterr()
    assert captured.out.strip().count("\n") == 0 and name in captured.out and "stand in" in captured.out
    assert captured.err == ""


@pytest.mark.parametrize("name", ["imagenet-samples", "cue-conflict"])
def test_photographs_stand_in_for_photographs(nowhere, capsys, name):
    images, labels, classes = data.load(name)
    assert images.shape == (4, 3, 224, 224) and len(classes) == 1000
    assert name in capsys.readouterr().out
    assert [classes[i] for i in data.load("photos")[1]] == ["tabby", "espresso", "missile", "motor scooter"]


def test_nothing_stands_in_for_traffic_signs(nowhere):
    with pytest.raises(data.Missing, match="nothing bundled can stand in"):
        data.load("gtsrb")


@pytest.mark.parametrize("name", ["mnist", "cifar10", "gtsrb", "imagenet-samples", "cue-conflict"])
def test_nothing_stands_in_where_a_folder_is_named(nowhere, monkeypatch, tmp_path, name):
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("ADVCOURSE_DATA", str(tmp_path / "empty"))
    with pytest.raises(data.Missing, match=f"{name}.*empty"):
        data.load(name)


def test_available_says_where_each_set_is(nowhere, monkeypatch, tmp_path):
    assert data.available() == {name: "bundled" if name in ("digits", "photos") else None for name in data.NAMES}
    (tmp_path / "mine/cue_conflict").mkdir(parents=True)
    (tmp_path / "mine/cue_conflict/cat1-dog2.jpg").touch()
    monkeypatch.setenv("ADVCOURSE_DATA", str(tmp_path / "mine"))
    assert data.available()["cue-conflict"] == tmp_path / "mine"
    assert data.available()["mnist"] is None


def parts(tmp_path, *relatives):
    for relative in relatives:
        (tmp_path / relative).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(Path(REAL) / relative, tmp_path / relative)
    return tmp_path


def truncate(file):
    cut(file, 1000)


def flip_the_middle(file):
    flip(file, file.stat().st_size // 2)


@pytest.mark.data
@pytest.mark.parametrize("harm", [truncate, flip_the_middle])
@pytest.mark.parametrize(
    ("name", "files", "hurt"),
    [
        ("mnist", ["MNIST/raw/t10k-images-idx3-ubyte", "MNIST/raw/t10k-labels-idx1-ubyte"], 0),
        ("mnist", ["MNIST/raw/t10k-images-idx3-ubyte", "MNIST/raw/t10k-labels-idx1-ubyte"], 1),
        ("cifar10", ["cifar-10-batches-py/test_batch"], 0),
        ("gtsrb", ["gtsrb32.npz"], 0),
    ],
)
def test_a_damaged_file_is_named(monkeypatch, tmp_path, harm, name, files, hurt):
    monkeypatch.setenv("ADVCOURSE_DATA", str(parts(tmp_path, *files)))
    monkeypatch.setenv("ADVCOURSE_CACHE", str(tmp_path / "cache"))
    split = "train" if name == "gtsrb" else "test"  # the middle of the file belongs to the training images
    assert len(data.load(name, split, n=3)[0]) == 3
    harm(tmp_path / files[hurt])
    with pytest.raises(RuntimeError, match=f"{Path(files[hurt]).name} is damaged .*put a whole copy"):
        data.load(name, split)


@pytest.mark.data
def test_a_truncated_photograph_is_named(monkeypatch, tmp_path):
    folder = "imagenet/photos"
    shutil.copytree(Path(REAL) / folder, tmp_path / folder)
    monkeypatch.setenv("ADVCOURSE_DATA", str(tmp_path))
    assert len(data.load("imagenet-samples")[0]) == COUNTS["imagenet-samples", "test"]
    file = min((tmp_path / folder).iterdir())
    file.chmod(0o644)
    truncate(file)
    with pytest.raises(RuntimeError, match=f"{file.name} is damaged .*put a whole copy"):
        data.load("imagenet-samples")


@pytest.mark.data
def test_packed_files_and_the_other_split_alone_will_do(monkeypatch, tmp_path):
    """A folder may hold the archives as published, or only one split."""
    for stem in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"):
        (tmp_path / "MNIST/raw").mkdir(parents=True, exist_ok=True)
        with gzip.open(tmp_path / f"MNIST/raw/{stem}.gz", "wb", compresslevel=1) as out:
            out.write((Path(REAL) / "MNIST/raw" / stem).read_bytes())
    monkeypatch.setenv("ADVCOURSE_DATA", str(tmp_path))
    monkeypatch.setenv("ADVCOURSE_CACHE", str(tmp_path / "cache"))
    assert data.load("mnist", "train")[0].shape == (60_000, 1, 28, 28)
    truncate(tmp_path / "MNIST/raw/train-labels-idx1-ubyte.gz")
    with pytest.raises(RuntimeError, match="train-labels-idx1-ubyte.gz is damaged .*put a whole copy"):
        data.load("mnist", "train")


@pytest.mark.data
def test_what_the_cache_lost_is_fetched_again(monkeypatch, tmp_path):
    monkeypatch.delenv("ADVCOURSE_DATA")
    monkeypatch.setenv("ADVCOURSE_CACHE", str(parts(tmp_path, "MNIST/raw/t10k-images-idx3-ubyte")))
    fetched = []
    monkeypatch.setattr("torchvision.datasets.MNIST", lambda *given, **named: fetched.append((given, named)))
    with pytest.raises(RuntimeError, match="t10k-labels-idx1-ubyte is damaged .it is missing"):
        data.load("mnist")
    assert fetched == [((tmp_path,), {"download": True, "train": False})]


@pytest.mark.data
def test_a_file_missing_from_a_set_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("ADVCOURSE_DATA", str(parts(tmp_path, "MNIST/raw/t10k-images-idx3-ubyte")))
    with pytest.raises(RuntimeError, match="t10k-labels-idx1-ubyte is damaged .it is missing"):
        data.load("mnist")


@pytest.mark.data
def test_a_download_goes_through_torchvision_into_the_cache(monkeypatch, tmp_path, capsys):
    """All of torchvision's download but the network: its names, its checksums, its unpacking, its places."""
    monkeypatch.delenv("ADVCOURSE_DATA")
    asked = []

    def urlopen(request):
        packed = Path(REAL) / "MNIST/raw" / Path(request.full_url).name
        asked.append(packed.name)
        if not packed.is_file():
            pytest.skip("this folder does not hold the packed files")
        return Response(request.full_url, b"<html>log in</html>" if broken else packed.read_bytes())

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    monkeypatch.setenv("ADVCOURSE_CACHE", str(tmp_path / "broken"))
    broken = True
    images, _, _ = data.load("mnist", n=3)
    assert "stand in" in capsys.readouterr().out and len(images) == 3
    monkeypatch.setenv("ADVCOURSE_CACHE", str(tmp_path / "whole"))
    broken = False
    asked.clear()
    images, _, classes = data.load("mnist")
    assert images.shape == (10_000, 1, 28, 28) and classes == list("0123456789") and len(set(asked)) == 4
    captured = capsys.readouterr()
    assert "100%" in captured.out and captured.err == ""
    assert data.available()["mnist"] == tmp_path / "whole"
    asked.clear()
    data.load("mnist", "train", n=3)
    assert not asked


def test_frames_as_torchvision_lays_them_out(nowhere):
    """GTSRB as its download leaves it: folders of .ppm frames of any size."""
    from PIL import Image

    for label in range(43):
        folder = nowhere / f"gtsrb/GTSRB/Training/{label:05d}"
        folder.mkdir(parents=True)
        pixels = np.full((20 + label, 45, 3), 5 * label, np.uint8)
        Image.fromarray(pixels).save(folder / "00000.ppm")
    images, labels, classes = data.load("gtsrb", "train")
    assert images.shape == (43, 3, 32, 32) and labels.tolist() == list(range(43)) and classes[14] == "stop"
    assert (images[:, 0, 0, 0] * 255).round().tolist() == [5 * label for label in range(43)]
