"""Eigenbases of a whole training set on disk: found once, checked, and read back for any images of the set."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import lru_cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from advcourse.core import files
from advcourse.core.validation import check_count, check_images
from advcourse.structured._eigenbasis import Basis, eigenbasis

ADVICE = "make the cache again with cache_eigenbases, which keeps what is sound"
PATTERN = "bases-*.safetensors"
SETTINGS = ("k", "weight", "floor", "shape", "dtype")
MIXER = -7046029254386353131  # odd, so that nothing is lost; its bits are those of the golden ratio


class BasisCache:
    """The eigenbases that ``cache_eigenbases`` left in a folder, looked up by what an image shows.

    The files stay on disk and are mapped into memory, so that a set of bases may be larger than the memory.

    Args:
        folder: of the shards; the checksum of each is compared with its card.

    Raises:
        FileNotFoundError: where there is none.
        RuntimeError: where one is damaged, or was made with other settings than the rest.
    """

    def __init__(self, folder: str | Path):
        from safetensors.torch import load_file

        self.folder = Path(folder)
        shards = sorted(self.folder.glob(PATTERN))
        if not shards:
            raise FileNotFoundError(f"no eigenbases in {self.folder}: make them with cache_eigenbases")
        cards = [files.verified(shard, ADVICE) for shard in shards]
        self.settings, *others = ({key: card[key] for key in SETTINGS} for card in cards)
        for shard, other in zip(shards[1:], others, strict=True):
            if other != self.settings:
                raise RuntimeError(f"{shard} was made with {other}, expected {self.settings} as {shards[0].name}")
        parts = [load_file(shard) for shard in shards]
        self._vectors, self._values = ([part[name] for part in parts] for name in ("vectors", "values"))
        self._prints, self._order = torch.cat([part["prints"] for part in parts]).sort()
        lengths = torch.tensor([len(values) for values in self._values])
        self._shard = torch.repeat_interleave(torch.arange(len(lengths)), lengths)
        self._row = torch.cat([torch.arange(length) for length in lengths.tolist()])

    def __len__(self) -> int:
        return len(self._prints)

    def of(self, images: Tensor) -> Basis:
        """The bases of these images, vectors ``(N, k, H, W)`` and values ``(N, k)``, on the images' device.

        Raises:
            ValueError: for images that were not in the set, such as augmented ones.
        """
        check_images(images)
        came = {"shape": list(images.shape[1:]), "dtype": str(images.dtype)}
        made = {key: self.settings[key] for key in came}
        if came != made:
            raise ValueError(f"images is of {came}, expected {made}: the images of the cache {self.folder}")
        prints = fingerprints(images.detach()).cpu()
        place = torch.searchsorted(self._prints, prints).clamp_(max=len(self) - 1)
        unknown = int((self._prints[place] != prints).sum())
        if unknown:
            raise ValueError(
                f"images holds {unknown} of {len(images)} that are not in the cache {self.folder}, expected images as "
                "they were when it was made: a structured step comes before any other augmentation"
            )
        found = self._order[place]
        places = list(zip(self._shard[found].tolist(), self._row[found].tolist(), strict=True))
        return Basis(
            *(
                torch.stack([kept[shard][row] for shard, row in places]).to(images.device)
                for kept in (self._vectors, self._values)
            )
        )


def cache_eigenbases(
    images: Tensor,
    k: int,
    folder: str | Path,
    *,
    weight: str = "strength",
    floor: float = 0.05,
    shard_size: int = 500,
    workers: int = 1,
    progress: bool = True,
) -> BasisCache:
    """The k leading eigenvectors of every image (``eigenbasis``), in a folder.

    One file for every ``shard_size`` images, each written whole and then moved to its place with its checksum beside
    it. Called again after an interruption, or on a damaged folder, it keeps the sound shards and makes the rest.

    Args:
        images: ``(N, C, H, W)`` in [0, 1].
        k: vectors per image; 16 in float32 take 64 KiB for an image of 32 x 32.
        folder: made where it does not exist.
        weight, floor: as in ``Photometric``.
        shard_size: images per file.
        workers: processes.
        progress: show a progress bar on stdout.

    Raises:
        ValueError: for bad input, or a folder that holds another cache; the message names the argument.
    """
    check_images(images)
    check_count(k=k, shard_size=shard_size, workers=workers)
    folder, images = Path(folder), images.detach().cpu()
    settings = {"k": int(k), "weight": weight, "floor": floor}
    settings |= {"shape": list(images.shape[1:]), "dtype": str(images.dtype), "shard_size": int(shard_size)}
    parts = images.split(int(shard_size))
    names = [folder / f"bases-{i:05d}.safetensors" for i in range(len(parts))]
    strangers = sorted(set(folder.glob(PATTERN)) - set(names))
    if strangers:
        raise ValueError(f"folder holds {strangers[0].name}, which is not of these {len(images)} images, expected none")
    find = partial(_basis, k=int(k), weight=weight, floor=floor)
    bar = tqdm(total=len(images), desc="eigenbases", file=sys.stdout, disable=not progress)
    with bar, _mapper(int(workers)) as mapped:
        for name, part in zip(names, parts, strict=True):
            prints = fingerprints(part)
            facts = settings | {"images": hashlib.sha256(prints.numpy().tobytes()).hexdigest()}
            if not _sound(name, facts):
                found = []
                for basis in mapped(find, part.numpy()):
                    found.append(basis)
                    bar.update()
                vectors, values = (torch.from_numpy(np.stack(each)) for each in zip(*found, strict=True))
                tensors = {"vectors": vectors, "values": values, "prints": prints}
                files.write(name, tensors, facts)
            else:
                bar.update(len(part))
    return BasisCache(folder)


def fingerprints(images: Tensor) -> Tensor:
    """A number for every image, int64 ``(N,)``, that depends on each bit of it; computed on the images' device."""
    bits = images.contiguous().view(torch.int64 if images.element_size() == 8 else torch.int32).flatten(1).long()
    weights = _weights(bits.shape[1]).to(bits.device)
    for shift in (32, 29):  # bits move up and down, for images of few levels differ in a few high bits only
        bits = bits * MIXER
        bits = bits ^ (bits >> shift)
    return (bits * weights).sum(1)


@lru_cache(maxsize=8)
def _weights(n: int) -> Tensor:
    """Odd whole numbers, always the same."""
    draw = torch.Generator().manual_seed(0)
    return torch.randint(-(2**62), 2**62, (n,), generator=draw) * 2 + 1


def _sound(shard: Path, facts: dict) -> bool:
    """Whether the shard is there, whole, and what these facts say.

    Raises:
        ValueError: where it is whole and of other images or settings.
    """
    try:
        card = files.verified(shard, ADVICE)
    except (OSError, RuntimeError):
        return False
    other = {key: card.get(key) for key in facts if card.get(key) != facts[key]}
    if other:
        wanted = {key: facts[key] for key in other}
        raise ValueError(f"folder holds {shard.name} of {other}, expected {wanted}, or another folder")
    return True


def _basis(image: np.ndarray, **settings: Any) -> tuple[np.ndarray, np.ndarray]:
    """``eigenbasis`` in NumPy's arrays: tensors sent between processes hold open files and shared memory."""
    basis = eigenbasis(torch.from_numpy(image), **settings)
    return basis.vectors.numpy(), basis.values.numpy()


@contextmanager
def _mapper(workers: int) -> Iterator[Callable]:
    """``map``, in order, in this process or by several."""
    if workers == 1:
        yield map
        return
    try:
        # spawn: a fork of a process whose threads hold locks may never return
        pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_one_thread)
        pool.submit(int).result()
    except (OSError, ImportError, BrokenProcessPool) as error:  # no shared memory, say, where semaphores are kept
        print(f"No {workers} processes to be had here ({error}): one finds the eigenbases.")
        yield map
        return
    with pool:
        yield pool.map


def _one_thread() -> None:
    torch.set_num_threads(1)
