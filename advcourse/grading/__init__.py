"""Around the assignments: checks that explain, a look before handing in, what autograding needs."""

from typing import TYPE_CHECKING

from advcourse.core.lazy import submodules
from advcourse.grading.submission import check_submission

__all__ = ["check_submission"]

if not TYPE_CHECKING:  # mypy shall go on naming what is not there
    __getattr__, __dir__ = submodules(__name__, __path__)
