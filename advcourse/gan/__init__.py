"""GANs: pairs of losses, one trainer for all, and ``metrics`` of what a generator makes."""

from typing import TYPE_CHECKING

from advcourse.core.lazy import submodules
from advcourse.gan._compiled import critic_gradients
from advcourse.gan._fit import fit
from advcourse.gan._latents import generate, slerp
from advcourse.gan._lsgan import lsgan
from advcourse.gan._penalty import gradient_penalty
from advcourse.gan._r3gan import r3gan
from advcourse.gan._ring import RING_METHODS, RingMethod, RingRun, RingSnapshot, play_ring
from advcourse.gan._standard import standard_gan
from advcourse.gan._variant import Variant
from advcourse.gan._wgan import wgan
from advcourse.gan._wgan_gp import wgan_gp

__all__ = [
    "RING_METHODS",
    "RingMethod",
    "RingRun",
    "RingSnapshot",
    "Variant",
    "critic_gradients",
    "fit",
    "generate",
    "gradient_penalty",
    "lsgan",
    "play_ring",
    "r3gan",
    "slerp",
    "standard_gan",
    "wgan",
    "wgan_gp",
]

if not TYPE_CHECKING:  # mypy shall go on naming what is not there
    __getattr__, __dir__ = submodules(__name__, __path__)
