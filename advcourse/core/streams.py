"""Random numbers of one image after another: a stream for each, keyed by (seed, method, index of the image in the set).

What an image draws then depends on no other image, so that the batch it is in, the order, the process and a resumed run
do not matter, and no global random state is read or moved.
"""

from __future__ import annotations

import hashlib
import math

import torch
from torch import Tensor

from advcourse.core.validation import check_count, check_indices

WORD = 0xFFFFFFFF
FEW, AHEAD = 4, 32


class Streams:
    """One stream per image. Every draw is ``(N, *shape)``, on the images' device and in their precision.

    The k-th draw of an image hashes its key, k and the number of the entry; ``streams[rows]`` goes on with some of the
    images, at the same k. All values are multiples of 2⁻²⁴: the same in float32 and float64. Draws of up to ``FEW``
    entries are made ``AHEAD`` at a time: one by one they would take as long as a pass of a small network.

    Args:
        seed: of the run.
        method: name of the method; two methods of one seed are independent.
        images: whose number, device and precision count.
        indices: int64 ``(N,)``: where in the set each image stands; 0 to N - 1 where not given.

    Source: counter-based, in the manner of Salmon et al. 2011 (SC '11, "Parallel random numbers: as easy as 1, 2, 3");
    the mixing of 32-bit words is C. Wellons' lowbias32 ("Prospecting for hash functions", 2018).
    """

    def __init__(self, seed: int, method: str, images: Tensor, indices: Tensor | None = None):
        check_count(at_least=0, seed=seed)
        if indices is None:
            numbers: list[int] = list(range(len(images)))
        else:
            check_indices(indices, images)
            numbers = indices.tolist()
        digests = [hashlib.sha256(f"{int(seed)}|{method}|{number}".encode()).digest() for number in numbers]
        words = [[int.from_bytes(digest[at : at + 4], "big") for at in (0, 4)] for digest in digests]
        self.keys = torch.tensor(words, dtype=torch.int64, device=images.device).view(-1, 2)
        self.dtype = images.dtype
        self.draws = self._first = 0
        self._few = self.keys.new_empty(len(numbers), 0, FEW)

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, rows: Tensor) -> Streams:
        """The streams of those images, where they are now."""
        part = object.__new__(Streams)
        part.keys, part.dtype, part.draws = self.keys[rows], self.dtype, self.draws
        part._first, part._few = self._first, self._few[rows]
        return part

    def words(self, *shape: int) -> Tensor:
        """Uniform whole numbers of 32 bits, int64."""
        self.draws += 1
        count = math.prod(shape)
        if count > FEW:
            return self._words(1, count).view(-1, *shape)
        if self.draws >= self._first + self._few.shape[1]:
            self._first, self._few = self.draws, self._words(AHEAD, FEW)
        return self._few[:, self.draws - self._first, :count].reshape(-1, *shape)

    def _words(self, draws: int, count: int) -> Tensor:
        """The first ``count`` of this draw and of those after it, ``(N, draws, count)``."""
        counters = [[_mixed_int(2 * (self.draws + k) + at) for at in (0, 1)] for k in range(draws)]
        keys = _mixed(self.keys[:, None] ^ torch.tensor(counters, device=self.keys.device))
        entries = torch.arange(count, device=self.keys.device)
        return _mixed(_mixed(entries ^ keys[..., :1]) ^ keys[..., 1:])

    def rand(self, *shape: int) -> Tensor:
        """Uniform in [0, 1)."""
        return (self.words(*shape) >> 8).to(self.dtype).div_(2**24)

    def randn(self, *shape: int) -> Tensor:
        """Standard normal: Box & Muller's pairs."""
        count = math.prod(shape)
        pairs = self.rand(2, (count + 1) // 2)
        radius, angle = (-2 * torch.log1p(-pairs[:, 0])).sqrt(), 2 * math.pi * pairs[:, 1]
        return torch.cat([radius * angle.cos(), radius * angle.sin()], 1)[:, :count].view(-1, *shape)

    def randint(self, high: int | Tensor, *shape: int) -> Tensor:
        """Uniform in 0, …, high - 1, int64; ``high`` (below 2³¹) is one number, or one per image ``(N,)``."""
        if isinstance(high, Tensor):
            high = high.view(-1, *(1 for _ in shape))
        return (self.words(*shape) * high) >> 32

    def signs(self, *shape: int) -> Tensor:
        """-1 or 1, each with probability 1/2."""
        return (self.words(*shape) >> 31).to(self.dtype).mul_(2).sub_(1)


def _mixed(words: Tensor) -> Tensor:
    """A permutation of the 32-bit words in which every bit of the result depends on all of the argument's."""
    words = (words ^ (words >> 16)).mul_(0x7FEB352D).bitwise_and_(WORD)
    words.bitwise_xor_(words >> 15).mul_(0x846CA68B).bitwise_and_(WORD)
    return words.bitwise_xor_(words >> 16)


def _mixed_int(word: int) -> int:
    """The same of one number."""
    word = (word ^ (word >> 16)) * 0x7FEB352D & WORD
    word = (word ^ (word >> 15)) * 0x846CA68B & WORD
    return word ^ (word >> 16)
