"""What this project made and ships: trained networks, crafted perturbations, studies, each with how it was made."""

from advcourse.core.lazy import submodules

__getattr__, __dir__ = submodules(__name__, __path__)
