"""What this project made and ships: trained networks, crafted perturbations, studies, each with how it was made."""

from typing import TYPE_CHECKING

from advcourse.core.lazy import submodules

if not TYPE_CHECKING:  # mypy shall go on naming what is not there
    __getattr__, __dir__ = submodules(__name__, __path__)
