"""Harm done to a file."""

from pathlib import Path


def cut(file: Path, count: int = 1) -> None:
    """The last bytes are lost."""
    file.write_bytes(file.read_bytes()[:-count])


def flip(file: Path, at: int = -1) -> None:
    """The bits of one byte are turned."""
    content = bytearray(file.read_bytes())
    content[at] ^= 0xFF
    file.write_bytes(content)
