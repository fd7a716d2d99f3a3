"""What a prediction service and those who ask it say to each other: tensors as safetensors, calls by number."""

from __future__ import annotations

import re

from torch import Tensor

LARGEST_BODY = 2**24
API_KEY = re.compile(r"[!-~]{8,200}")
SESSION = re.compile(r"[A-Za-z0-9_-]{1,64}")
CALL = re.compile(rf"({SESSION.pattern})/([0-9]{{1,12}})(?:\.([0-9]{{1,6}}))?")
CALL_HEADER = "Idempotency-Key"
BUDGET_SPENT, OTHER_CONTENT, MODEL_FAILED = 402, 409, 424
"""Statuses that mean more than "refused": of the last alone is the call billed."""


def pack(**tensors: Tensor) -> bytes:
    """Tensors by name."""
    from safetensors.torch import save

    return save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})


def unpack(body: bytes, *names: str) -> list[Tensor]:
    """The tensors of those names, and no others are in ``body``. Nothing of it is ever executed.

    Raises:
        ValueError: for anything else.
    """
    from safetensors.torch import load

    try:
        found = load(body)
    except Exception as error:  # whatever such bytes make of the parser
        raise ValueError(f"the body is no safetensors file ({type(error).__name__}), expected one") from None
    if found.keys() != set(names):
        raise ValueError(f"the body holds {len(found)} tensors, expected those named {' and '.join(names)}")
    return [found[name] for name in names]
