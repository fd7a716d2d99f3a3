"""Small sets of the published layouts, and a server from which torchvision's own classes fetch and unpack them."""

import gzip
import hashlib
import io
import pickle
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import torchvision.datasets
from torchvision.datasets import gtsrb

from advcourse.data import _sets
from tests.data.layouts import final_frames, table, training_frames

COUNTS = {"train": 3, "test": 2}  # images of the small sets; 43 frames, one of each class, of traffic signs
SETS = [(name, split) for name in ("mnist", "cifar10", "gtsrb") for split in ("train", "test")]


class Response(io.BytesIO):
    """What ``urlopen`` returns; ``fault`` is raised in the middle of it."""

    def __init__(self, url, content, fault=None):
        super().__init__(content[: len(content) // 2] if fault else content)
        self.url, self.length, self.fault = url, len(content), fault

    def read(self, *size):
        content = super().read(*size)
        if self.fault and not content:
            raise self.fault
        return content


class Mirror:
    """Serves ``files`` by their names; ``fault`` breaks every download in its middle."""

    def __init__(self):
        self.files, self.asked, self.fault = {}, [], None

    def urlopen(self, request, *_, **__):
        name = Path(request.full_url).name
        self.asked.append(name)
        return Response(request.full_url, self.files[name], self.fault)


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def idx_files() -> dict[str, bytes]:
    """MNIST's four files, of few images."""
    files = {}
    for stem, count in (("train", COUNTS["train"]), ("t10k", COUNTS["test"])):
        pixels = bytes(range(256)) * (count * 784 // 256 + 1)
        files[f"{stem}-images-idx3-ubyte"] = struct.pack(">4I", 2051, count, 28, 28) + pixels[: count * 784]
        files[f"{stem}-labels-idx1-ubyte"] = struct.pack(">2I", 2049, count) + bytes(range(count))
    return files


def serve_mnist(monkeypatch, mirror: Mirror) -> None:
    raw = idx_files()
    packed = {f"{name}.gz": gzip.compress(content) for name, content in raw.items()}
    monkeypatch.setattr(torchvision.datasets.MNIST, "resources", [(name, md5(gz)) for name, gz in packed.items()])
    for split, stem in (("train", "train"), ("test", "t10k")):
        facts = {f"MNIST/raw/{name}": [md5(content)] for name, content in raw.items() if name.startswith(stem)}
        monkeypatch.setitem(_sets.FILES, ("mnist", split), facts)
    mirror.files |= packed


def serve_cifar10(monkeypatch, mirror: Mirror) -> None:
    def batch(count):
        return pickle.dumps({"data": np.full((count, 3072), 7, np.uint8), "labels": list(range(count))})

    files = {"data_batch_1": batch(1), "data_batch_2": batch(COUNTS["train"] - 1), "test_batch": batch(COUNTS["test"])}
    meta = pickle.dumps({"label_names": _sets.CIFAR10})
    cifar10, out = torchvision.datasets.CIFAR10, io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in {**files, "batches.meta": meta}.items():
            entry = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    listed = [[name, md5(content)] for name, content in files.items()]
    monkeypatch.setattr(cifar10, "tgz_md5", md5(out.getvalue()))
    monkeypatch.setattr(cifar10, "train_list", listed[:2])
    monkeypatch.setattr(cifar10, "test_list", listed[2:])
    monkeypatch.setattr(cifar10, "meta", {**cifar10.meta, "md5": md5(meta)})
    for split, entries in (("train", listed[:2]), ("test", listed[2:])):
        facts = {f"cifar-10-batches-py/{name}": [digest] for name, digest in entries}
        monkeypatch.setitem(_sets.FILES, ("cifar10", split), facts)
    mirror.files[cifar10.filename] = out.getvalue()


def serve_gtsrb(monkeypatch, mirror: Mirror) -> None:
    archives = {
        "GTSRB-Training_fixed.zip": zipped(training_frames()),
        "GTSRB_Final_Test_Images.zip": zipped(final_frames()),
        "GTSRB_Final_Test_GT.zip": zipped({"GT-final_test.csv": table()}),
    }
    genuine = gtsrb.download_and_extract_archive
    monkeypatch.setattr(
        gtsrb,
        "download_and_extract_archive",
        lambda url, download_root, md5: genuine(url, download_root, md5=digests[Path(url).name]),
    )
    digests = {name: md5(content) for name, content in archives.items()}
    mirror.files |= archives


def serve(monkeypatch) -> Mirror:
    """Every connection goes to a mirror of small sets, whose checksums torchvision and the library now expect."""
    mirror = Mirror()
    for each in (serve_mnist, serve_cifar10, serve_gtsrb):
        each(monkeypatch, mirror)
    monkeypatch.setattr("urllib.request.urlopen", mirror.urlopen)
    return mirror


def unpacked(name: str, split: str) -> list[str]:
    """Where the files of a split lie when they have been unpacked."""
    if name != "gtsrb":
        return list(_sets.FILES[name, split])
    return [f"gtsrb/{file}" for file in (training_frames() if split == "train" else final_frames())]
