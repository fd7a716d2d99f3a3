"""Adversarial examples, robustness and GANs: the library behind the course.

``import advcourse`` loads nothing heavy; a submodule is imported when it is first used, so that
``advcourse.data.load("mnist")`` works after the one import.
"""

from importlib import import_module

__version__ = "0.1.0"

_SUBMODULES = (
    "attacks", "crafted", "data", "evaluate", "grading", "models", "plots", "runtime", "structured",
    "studies", "training", "widgets",
)  # fmt: skip


def __getattr__(name: str):
    if name in _SUBMODULES:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_SUBMODULES])
