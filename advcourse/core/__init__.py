"""The ground floor: what every technique is built of. Its modules are its face."""

from advcourse.core.lazy import submodules

__getattr__, __dir__ = submodules(__name__, __path__)
