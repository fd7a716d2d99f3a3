"""Tensors in ``.safetensors`` files, each with a card beside it that says how it was made and what its checksum is."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from torch import Tensor


def read(file: Path, advice: str, sha256: Callable[[], str]) -> dict[str, Tensor]:
    """The tensors of a file whose checksum is the one on record.

    Raises:
        FileNotFoundError: where there is no such file (the message ends with ``advice``).
        RuntimeError: where its checksum is another.
    """
    from safetensors.torch import load as parse

    if not file.is_file():
        raise FileNotFoundError(f"no weights at {file}: {advice}")
    content = file.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256():
        raise RuntimeError(f"{file} is damaged (its sha256 is not the one on record): delete it and {advice}")
    return parse(content)


def write(file: Path, tensors: Mapping[str, Tensor], facts: dict) -> dict:
    """Write tensors, and beside them their card: ``facts``, size and sha256. Returns the card."""
    from safetensors.torch import save as serialise

    file.parent.mkdir(parents=True, exist_ok=True)
    content = serialise({key: value.detach().cpu().contiguous() for key, value in tensors.items()})
    full = {**facts, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    for target, data in (
        (file, content),
        (file.with_suffix(".json"), (json.dumps(full, indent=2, ensure_ascii=False) + "\n").encode()),
    ):
        part = target.with_name(target.name + ".part")
        part.write_bytes(data)
        os.replace(part, target)
    return full


def card(file: Path, advice: str) -> dict:
    """The card beside a file.

    Raises:
        RuntimeError: where it is missing or damaged (the message ends with ``advice``).
    """
    beside = file.with_suffix(".json")
    try:
        return json.loads(beside.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RuntimeError(f"{beside} is missing or damaged ({error}): {advice}") from error
