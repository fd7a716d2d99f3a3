"""Generative adversarial networks. Its modules are its face."""

from typing import TYPE_CHECKING

from advcourse.core.lazy import submodules

__all__: list[str] = []

if not TYPE_CHECKING:  # mypy shall go on naming what is not there
    __getattr__, __dir__ = submodules(__name__, __path__)
