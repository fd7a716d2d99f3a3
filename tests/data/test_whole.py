"""A set counts as whole by its facts, not because a folder of its name exists; what is not whole is named."""

import shutil

import numpy as np
import pytest
import torch

from advcourse import data
from advcourse.data import _sets
from tests.data.checks import refused
from tests.data.layouts import arrays, cues, final, frame, photographs, picture, signs, table
from tests.support.files import cut


def test_a_label_is_the_name_of_the_class_folder_and_a_missing_folder_is_named(given):
    """Labels by the place in the list of folders are other ones where the first folder is not there."""
    folder = signs(given, each=2)
    images, labels, _ = data.load("gtsrb", "train")
    assert torch.equal(labels, torch.arange(43).repeat_interleave(2))
    assert torch.equal((images[:, 0, 0, 0] * 255).round().long(), 5 * labels)
    for gone in ("00000", "00020", "00042"):
        shutil.rmtree(folder / gone)
    (folder / "strange").mkdir()
    final(given)
    refused("gtsrb", "train", str(folder), "00000, 00020, 00042", "40 of 43 class folders")


def test_half_a_class_folder_is_not_whole(given):
    folder = signs(given, each=3)
    (folder / "00042/00002.ppm").unlink()
    final(given)
    refused("gtsrb", "train", str(folder), "128 frames", "26,640", "39,209", "as many of every class")


def test_the_published_number_of_frames_is_whole_however_they_are_spread(given, monkeypatch):
    folder = signs(given, each=2)
    (folder / "00007/00002.ppm").write_bytes(frame(35))
    monkeypatch.setattr(_sets, "GTSRB_FRAMES", (87,))
    assert data.load("gtsrb", "train")[1].bincount().tolist() == [2] * 7 + [3] + [2] * 35


def test_strange_files_between_the_frames_are_passed_over(given):
    folder = signs(given)
    for stray in ("00000/._00000.ppm", "00003/GT-00003.csv", "00005/Thumbs.db", "Readme.txt"):
        (folder / stray).write_bytes(b"stray")
    assert data.load("gtsrb", "train")[1].tolist() == list(range(43))


@pytest.mark.parametrize("emptied", ["Training", "Training/00011"])
def test_an_empty_folder_of_frames_is_named(given, emptied):
    folder = signs(given).parent
    shutil.rmtree(folder / emptied)
    (folder / emptied).mkdir()
    final(given)
    refused("gtsrb", "train", str(folder / "Training"))


def test_class_folders_without_a_frame_are_no_set_of_as_many_of_every_class(given):
    folder = signs(given)
    for frame_of_class in folder.rglob("*.ppm"):
        frame_of_class.unlink()
    final(given)
    refused("gtsrb", "train", str(folder), "0 frames")


@pytest.mark.parametrize("harm", [lambda file: cut(file, 5), lambda file: file.write_bytes(b"")])
def test_a_damaged_frame_is_named(given, harm):
    file = signs(given) / "00017/00000.ppm"
    final(given)
    harm(file)
    refused("gtsrb", "train", f"{file} is damaged")


def test_test_frames_have_the_labels_of_their_table(given):
    folder = final(given)
    images, labels, _ = data.load("gtsrb", "test")
    assert labels.tolist() == list(range(43))
    assert torch.equal((images[:, 0, 0, 0] * 255).round().long(), 5 * labels)
    rows = table().decode().splitlines()
    (folder.parents[1].parent / "GT-final_test.csv").write_text("\n".join([rows[0], *reversed(rows[1:])]))
    assert data.load("gtsrb", "test")[1].tolist() == list(reversed(range(43)))


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda folder, csv: csv.unlink(), ("GT-final_test.csv", "missing")),
        (lambda folder, csv: csv.write_bytes(b""), ("GT-final_test.csv", "0")),
        (lambda folder, csv: csv.write_bytes(table(20)), ("43 frames", "GT-final_test.csv lists 20")),
        (lambda folder, csv: cut(csv, 3), ("GT-final_test.csv is damaged",)),
        (lambda folder, csv: csv.write_bytes(b"\x00\xff" * 50), ("GT-final_test.csv is damaged",)),
        (lambda folder, csv: (folder / "00042.ppm").unlink(), ("42 frames", "GT-final_test.csv lists 43")),
        (lambda folder, csv: shutil.rmtree(folder), ("Images", "missing")),
        (lambda folder, csv: csv.write_bytes(table().replace(b";42\n", b";43\n")), ("GT-final_test.csv", "43")),
        (lambda folder, csv: csv.write_bytes(table().replace(b";42\n", b";41\n")), ("42 of 43 classes",)),
    ],
)
def test_half_a_test_part_is_named(given, harm, words):
    folder = final(given)
    harm(folder, given / "gtsrb/GT-final_test.csv")
    refused("gtsrb", "test", *words)


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"test_y": np.arange(43)}, "86"),
        ({"test_x": np.zeros((86, 32, 32), np.uint8)}, "(86, 32, 32)"),
        ({"test_x": np.zeros((86, 3, 32, 32), np.uint8)}, "(86, 3, 32, 32)"),
        ({"test_x": np.zeros((86, 32, 32, 3), np.float32)}, "float32"),
        ({"test_y": np.arange(43).repeat(2) % 21}, "21 of 43 classes"),
        ({"test_y": np.arange(43).repeat(2) + 1}, "43"),
        ({"test_y": np.arange(43).repeat(2) / 2}, "float64"),
        ({"test_y": np.zeros((86, 1), np.int64)}, "(86, 1)"),
        ({"test_x": None}, "test_x"),
        ({"test_x": np.zeros((0, 32, 32, 3), np.uint8), "test_y": np.zeros(0, np.int64)}, "0 of 43 classes"),
        ({"test_y": np.array([{}] * 86)}, "allow_pickle"),
    ],
)
def test_an_archive_that_holds_no_whole_part_is_named(given, changed, word):
    arrays(given)
    assert len(data.load("gtsrb")[0]) == 86
    file = arrays(given, **changed)
    refused("gtsrb", "test", str(file), word)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", b"\x93NUMPY no archive", b"\x80\x04N."])
def test_what_is_no_archive_is_named(given, content):
    (given / "gtsrb32.npz").write_bytes(content)
    refused("gtsrb", "test", "gtsrb32.npz is damaged")


def test_a_lone_array_under_the_archives_name_is_named(given):
    with open(given / "gtsrb32.npz", "wb") as file:
        np.save(file, np.zeros(3))
    refused("gtsrb", "test", "gtsrb32.npz is damaged")


def test_photographs_are_whole_from_the_number_of_the_smaller_set_on(given):
    for count in (155, 160):
        folder = photographs(given, count)
        assert data.load("imagenet-samples")[1].tolist() == list(range(count))
    for path in list(folder.iterdir())[154:]:
        path.unlink()
    refused("imagenet-samples", "test", str(folder), "154 photographs", "155")


def test_cue_conflict_images_are_whole_with_ten_of_every_shape(given):
    folder = cues(given)
    assert data.load("cue-conflict")[1][:, 0].bincount().tolist() == [10] * 16
    (folder / "truck10-cat1.jpg").write_bytes(picture())  # more than that do no harm
    assert len(data.load("cue-conflict")[0]) == 161
    (folder / "knife3-keyboard1.jpg").unlink()
    refused("cue-conflict", "test", str(folder), "9 images of knife", "10")
    for path in [*folder.glob("knife*"), *folder.glob("airplane*")]:
        path.unlink()
    refused("cue-conflict", "test", "0 images of airplane")


@pytest.mark.parametrize(("name", "make"), [("imagenet-samples", photographs), ("cue-conflict", cues)])
def test_one_file_is_not_the_set_and_strange_files_are_none(given, name, make):
    folder = make(given)
    assert len(data.load(name)[0]) >= 155
    for stray in ("._001_goldfish.jpg", "notes.jpg", "zebra1-cat2.jpg", "edges_cat1.png", "categories16.json"):
        (folder / stray).write_bytes(b"stray")
    (folder / "more").mkdir()
    assert len(data.load(name)[0]) in (155, 160)
    first, *rest = sorted(folder.glob("[a-z]*[0-9]-*" if name == "cue-conflict" else "[0-9]*"))
    cut(first, 5)
    refused(name, "test", f"{first} is damaged")
    for path in rest:
        path.unlink()
    refused(name, "test", str(folder), "1 ")
    first.unlink()
    with pytest.raises(data.Missing, match=name):
        data.load(name)


def test_an_empty_folder_of_photographs_is_named(given):
    (given / "imagenet/photos").mkdir(parents=True)
    with pytest.raises(data.Missing) as raised:
        data.load("imagenet-samples")
    assert "imagenet/photos" in str(raised.value) and str(given) in str(raised.value)


@pytest.mark.parametrize("name", data.NAMES)
def test_images_and_labels_are_contiguous(name):
    if data.available()[name] is None:
        pytest.skip(f"{name} is not at hand")
    splits = ("test",) if name in ("photos", "imagenet-samples", "cue-conflict") else ("test", "train")
    for split, n in ((split, n) for split in splits for n in (5, None)):
        images, labels, _ = data.load(name, split, n)
        assert images.is_contiguous() and labels.is_contiguous(), (split, n)
        images.view(len(images), -1)


@pytest.mark.parametrize("make", [signs, final, arrays])
def test_traffic_signs_are_contiguous_in_either_layout(given, make):
    make(given)
    images, labels, _ = data.load("gtsrb", "train" if make is signs else "test")
    assert images.is_contiguous() and labels.is_contiguous()


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "cifar10", "imagenet-samples", "cue-conflict"])
def test_stand_ins_are_contiguous(own_cache, offline, name):
    images, labels, _ = data.load(name, n=3)
    assert images.is_contiguous() and labels.is_contiguous()
