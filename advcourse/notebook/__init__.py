"""What the notebooks need beside the library: the answers of their exercises, and a check of the machine."""

from advcourse.core.lazy import submodules

__getattr__, __dir__ = submodules(__name__, __path__)
