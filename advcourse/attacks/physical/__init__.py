"""Attacks on objects: a patch, a sticker, a texture, each optimised over what happens on the way to the network."""

from advcourse.attacks.physical._patch import Patch, patch, patch_mask
from advcourse.attacks.physical._sticker import (
    Sticker,
    bars,
    covered_brightness,
    non_printability,
    printable_colours,
    sticker,
    total_variation,
)
from advcourse.attacks.physical._texture import texture

__all__ = [
    "Patch",
    "Sticker",
    "bars",
    "covered_brightness",
    "non_printability",
    "patch",
    "patch_mask",
    "printable_colours",
    "sticker",
    "texture",
    "total_variation",
]
