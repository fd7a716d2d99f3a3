"""Frames between the process that grades and the one that runs a submission: JSON, and raw bytes of tensors.

Nothing is unpickled on either side. A frame is a length, a JSON text and blocks of bytes that the text refers to.
"""

from __future__ import annotations

import json
import math
import select
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from advcourse.grading.server import MIB

LARGEST_TEXT = 8 * MIB
LARGEST_FRAME = 256 * MIB
PATIENCE = 10.0
"""Seconds of the clock that the other side has beyond four times its processor time."""

DEEPEST = 40
"""Containers in containers that are looked into."""

DTYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        *(torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.complex64, torch.complex128),
        *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool),
    )
}


class WireError(Exception):
    """What came is no frame, or came too late: the other side cannot be talked to any more."""


class CannotCross(TypeError):
    """A value of a kind that does not go from one process to the other."""


class Wire:
    """Frames over a socket, each sent and read within a deadline.

    Args:
        spent: seconds of processor time that the other side has used; None counts the clock alone.
    """

    def __init__(self, connection: socket.socket, spent: Callable[[], float] | None = None):
        self.connection, self.spent, self.come = connection, spent, bytearray()
        connection.setblocking(False)

    def send(self, message: Any, blocks: list[bytes], seconds: float | None = None) -> None:
        """Send one frame.

        Raises:
            WireError: where the other side does not take it.
        """
        text = json.dumps([message, [len(block) for block in blocks]]).encode()
        clock, view = Clock(seconds, self.spent), memoryview(b"".join([struct.pack(">I", len(text)), text, *blocks]))
        while view:
            try:
                view = view[self.connection.send(view) :]
            except BlockingIOError:
                clock.wait(self.connection, writing=True)
            except OSError as error:
                raise WireError("the process has ended") from error

    def receive(self, seconds: float | None = None) -> tuple[Any, list[bytes]]:
        """Read one frame.

        Raises:
            WireError: where nothing comes in time, or something that is no frame.
        """
        clock = Clock(seconds, self.spent)
        (size,) = struct.unpack(">I", self._read(4, clock))
        if size > LARGEST_TEXT:
            raise WireError(f"a frame of {size} bytes of text came, expected at most {LARGEST_TEXT}")
        try:
            message, lengths = json.loads(self._read(size, clock))
            sizes = [int(length) for length in lengths]
        except (ValueError, TypeError, RecursionError, OverflowError) as error:
            raise WireError(f"what came is no frame: {error}") from error
        if min(sizes, default=0) < 0 or sum(sizes) > LARGEST_FRAME:
            raise WireError(f"a frame of {sum(sizes)} bytes came, expected at most {LARGEST_FRAME}")
        return message, [self._read(length, clock) for length in sizes]

    def _read(self, count: int, clock: Clock) -> bytes:
        while len(self.come) < count:
            try:
                piece = self.connection.recv(max(2**16, min(count - len(self.come), MIB)))
            except BlockingIOError:
                clock.wait(self.connection)
                continue
            except OSError as error:
                raise WireError("the process has ended") from error
            if not piece:
                raise WireError("the process has ended")
            self.come += piece
        found = bytes(self.come[:count])
        del self.come[:count]
        return found


class Clock:
    """So many seconds of the other side's processor time; of the clock four times as many, and some more.

    Both are looked at a few times a second only: to read them costs more than most answers.
    """

    def __init__(self, seconds: float | None, spent: Callable[[], float] | None):
        self.seconds, self.spent, self.used = seconds, spent, -1.0
        self.start = self.last = time.monotonic()
        self.step = 5.0 if seconds is None else min(0.25, seconds)

    def check(self, words: str) -> None:
        """Raises ``WireError`` where the time is over."""
        now = time.monotonic()
        if self.seconds is None or now - self.last < self.step:
            return
        self.last = now
        over = now - self.start > (4 * self.seconds + PATIENCE if self.spent else self.seconds)
        if self.spent is not None:
            self.used = self.spent() if self.used < 0 else self.used  # from the first look on
            over = over or self.spent() - self.used > self.seconds
        if over:
            raise WireError(f"{words} in {self.seconds:.0f} s")

    def wait(self, connection: socket.socket, writing: bool = False) -> None:
        reads, writes = ([], [connection]) if writing else ([connection], [])
        ready = False
        while not ready:
            ready = any(select.select(reads, writes, [], self.step))
            self.check("nothing came")  # what comes byte by byte is late, too


# -- bytes of arrays


def bytes_of(tensor: Tensor) -> bytes:
    """The numbers of a tensor, in the order of its indices."""
    plain = torch.empty(tensor.shape, dtype=tensor.dtype).copy_(tensor.detach())
    return plain.reshape(-1).view(torch.uint8).numpy().tobytes() if plain.numel() else b""


def tensor_of(dtype: str, shape: list[int], stride: list[int] | None, block: bytes) -> Tensor:
    """The tensor of such bytes; ``stride``, where it is given, is that of the result.

    Raises:
        WireError: where they do not fit.
    """
    kind, shape = DTYPES.get(dtype), [int(side) for side in shape]
    if kind is None or min(shape, default=0) < 0 or len(shape) > 64:
        raise WireError(f"a tensor of {dtype} and shape {shape} came")
    if math.prod(shape) * kind.itemsize != len(block):
        raise WireError(f"{len(block)} bytes came for a tensor of {dtype} and shape {shape}")
    found = torch.frombuffer(bytearray(block), dtype=kind).reshape(shape) if block else torch.empty(shape, dtype=kind)
    if kind == torch.bool:
        found = found.view(torch.uint8).bool()  # a byte that is neither 0 nor 1 would be neither true nor false
    if stride is None:
        return found
    if not is_dense(shape, stride):
        raise WireError(f"a tensor with strides {stride} and shape {shape} came")
    return torch.empty_strided(shape, stride, dtype=kind).copy_(found)


def is_dense(shape: list[int], stride: list[int]) -> bool:
    """Whether these strides leave no gap and read no number twice."""
    if len(shape) != len(stride):
        return False
    expected = 1
    for size, step in sorted(((s, t) for s, t in zip(shape, stride, strict=True) if s != 1), key=lambda p: p[1]):
        if step != expected:
            return False
        expected *= size
    return True


def array_of(dtype: str, shape: list[int], block: bytes) -> np.ndarray:
    """The array of such bytes: numbers or truth values, nothing else.

    Raises:
        WireError: where they do not fit.
    """
    try:
        kind = np.dtype(dtype)
        if kind.kind not in "biufc":
            raise ValueError(f"an array of {dtype} came, expected numbers or truth values")
        found = np.frombuffer(bytearray(block), dtype=kind).reshape([int(side) for side in shape])
        return found.view(np.uint8).astype(bool) if kind.kind == "b" else found
    except (TypeError, ValueError) as error:
        raise WireError(str(error)) from error
