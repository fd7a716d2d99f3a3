"""What the notebooks need beside the library: the answers of their exercises, and a check of the machine."""

from typing import TYPE_CHECKING

from advcourse.core.lazy import submodules

if not TYPE_CHECKING:  # mypy shall go on naming what is not there
    __getattr__, __dir__ = submodules(__name__, __path__)
