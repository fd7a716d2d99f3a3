"""Submodules that are imported when they are first used."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType


def submodules(package: str, path: Iterable[str]) -> tuple[Callable[[str], ModuleType], Callable[[], list[str]]]:
    """``__getattr__`` and ``__dir__`` of a package whose public submodules are there without having been imported.

    Args:
        package: its ``__name__``.
        path: its ``__path__``.
    """
    known = {module.name for module in iter_modules(path) if not module.name.startswith("_")}

    def get(name: str) -> ModuleType:
        if name in known:
            return import_module(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    def names() -> list[str]:
        return sorted({*vars(import_module(package)), *known})

    return get, names
