"""Around the assignments: checks that explain, a look before handing in, what autograding needs."""

from advcourse.core.lazy import submodules

__getattr__, __dir__ = submodules(__name__, __path__)
