"""Adversarial examples, robustness and GANs: the library behind the course.

``import advcourse`` loads nothing heavy; a submodule is imported when it is first used, so that
``advcourse.data.load("mnist")`` works after the one import.
"""

from typing import TYPE_CHECKING

from advcourse.core.lazy import submodules

__version__ = "0.1.0"

if not TYPE_CHECKING:  # mypy shall go on naming what is not there
    __getattr__, __dir__ = submodules(__name__, __path__)
