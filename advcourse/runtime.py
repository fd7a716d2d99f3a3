"""Where a notebook runs, at which size, and how it gets there."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import random
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from typing import TypeVar

import torch

REPOSITORY = "https://github.com/advcourse/advcourse"
"""Address of the repository. Every badge and every bootstrap cell is made from this one constant."""

SCALES = ("quick", "full")

T = TypeVar("T")


def device() -> torch.device:
    """The best device at hand: CUDA, then Apple's MPS, then the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def scale() -> str:
    """``"full"`` on a GPU and ``"quick"`` on a CPU; the variable ``ADVCOURSE_SCALE`` overrides.

    Raises:
        ValueError: if ``ADVCOURSE_SCALE`` is set to anything but ``quick`` or ``full``.
    """
    chosen = os.environ.get("ADVCOURSE_SCALE")
    if not chosen:
        return "quick" if device().type == "cpu" else "full"
    if chosen not in SCALES:
        raise ValueError(f"ADVCOURSE_SCALE is {chosen!r}, expected one of {', '.join(SCALES)}")
    return chosen


def pick(*, quick: T, full: T) -> T:
    """The value for the current ``scale``, e.g. ``n = pick(quick=100, full=10_000)``."""
    return quick if scale() == "quick" else full


def seed_everything(seed: int) -> None:
    """Seed Python's, NumPy's and PyTorch's global generators."""
    import numpy as np

    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (the legacy global state is what is to be seeded)
    torch.manual_seed(seed)


def describe() -> dict[str, str]:
    """Versions, device and scale, as text: what a bug report needs."""
    where = device()
    names = {
        "cuda": lambda: torch.cuda.get_device_name(where),
        "mps": platform.machine,
        "cpu": lambda: f"{platform.machine()}, {torch.get_num_threads()} threads",
    }
    facts = {"python": platform.python_version(), "system": f"{platform.system()} {platform.release()}"}
    for package in ("advcourse", "torch", "torchvision", "numpy", "accelerate", "tensorflow"):
        try:
            facts[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            facts[package] = "not installed"
    facts["device"] = f"{where.type} ({names[where.type]()})"
    facts["scale"] = scale()
    return facts


class DownloadFailed(OSError):
    """A library could not download; the message says why in one line."""


_one_at_a_time = threading.RLock()


@contextmanager
def downloading(patience: float = 20.0) -> Iterator[None]:
    """For downloads by libraries: progress bars go to stdout, and a silent server is given up after ``patience`` s.

    On stderr a bar would cost marks in a graded notebook.

    Raises:
        DownloadFailed: whatever the library raises, which is no ``OSError`` where a proxy speaks no HTTP or has an
            invalid address, or where an archive cannot be unpacked.
    """
    with _one_at_a_time:  # the timeout and stderr are the whole process's
        before = socket.getdefaulttimeout()
        socket.setdefaulttimeout(patience)
        try:
            with redirect_stderr(sys.stdout):
                yield
        except Exception as error:
            said = " ".join(str(error).split())
            kind = "" if said and isinstance(error, (OSError, RuntimeError)) else type(error).__name__
            raise DownloadFailed(": ".join(filter(None, (kind, said)))) from error
        finally:
            socket.setdefaulttimeout(before)


def colab_url(path: str) -> str:
    """Address that opens ``path`` (relative to the repository's root) in Colab."""
    owner_and_name = REPOSITORY.removeprefix("https://github.com/")
    return f"https://colab.research.google.com/github/{owner_and_name}/blob/main/{path}"


def notebook_badge(path: str) -> str:
    """Markdown of the badge in a notebook's first cell; ``path`` is relative to the repository's root."""
    return f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab_url(path)})"


def bootstrap_source() -> str:
    """Source of a notebook's bootstrap cell.

    Where the package is importable the cell does nothing. Elsewhere (Colab) it installs this package
    alone: ``--no-deps`` leaves torch, numpy and tensorflow as they are, and the small packages that
    may be missing are named one by one.
    """
    return (
        "# Installs the course where it is missing (Colab); does nothing elsewhere.\n"
        "import importlib.util\n"
        "\n"
        'if importlib.util.find_spec("advcourse") is None:\n'
        f"    %pip install --quiet --no-deps git+{REPOSITORY}\n"
        "    %pip install --quiet accelerate safetensors scikit-image ipywidgets"
    )
