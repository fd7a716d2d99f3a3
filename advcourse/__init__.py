"""Adversarial examples, robustness and GANs: the library behind the course.

``import advcourse`` loads nothing heavy; a submodule is imported when it is first used, so that
``advcourse.data.load("mnist")`` works after the one import.
"""

from advcourse.core.lazy import submodules

__version__ = "0.1.0"

__getattr__, __dir__ = submodules(__name__, __path__)
