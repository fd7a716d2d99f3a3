"""Submodules, and names of submodules, that are imported when they are first used."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any


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


def members(
    package: str, homes: dict[str, str], *, extra: str, first: str
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """``__getattr__`` and ``__dir__`` of a package whose names are there without what they need having been imported.

    Args:
        package: its ``__name__``.
        homes: by private module, the names that it defines, with spaces between.
        extra: of this project, which brings what the modules need; named where that is missing.
        first: a module that has to be there before them.
    """
    home = {name: module for module, names in homes.items() for name in names.split()}

    def get(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        import_module(first)
        try:
            return getattr(import_module(f"{package}.{home[name]}"), name)
        except ModuleNotFoundError as error:
            if str(error.name).startswith("advcourse"):
                raise
            advice = f"{package}.{name} needs {error.name}: pip install 'advcourse[{extra}]'"
            raise ModuleNotFoundError(advice, name=error.name) from error

    def names() -> list[str]:
        return sorted({*vars(import_module(package)), *home})

    return get, names
