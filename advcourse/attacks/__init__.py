"""Attacks: functions ``(model, images, labels, *, …, targets=None) -> adversarial images``."""

from advcourse.attacks.eot import eot
from advcourse.attacks.gradient import fgsm, ifgsm, pgd
from advcourse.attacks.outcomes import Outcomes, outcomes
from advcourse.attacks.patch import Patch, patch
from advcourse.attacks.spatial import spatial
from advcourse.attacks.sticker import Sticker, bars, sticker
from advcourse.attacks.textured import TexturedObject, pose_table, texture

__all__ = [
    "Outcomes",
    "Patch",
    "Sticker",
    "TexturedObject",
    "bars",
    "eot",
    "fgsm",
    "ifgsm",
    "outcomes",
    "patch",
    "pgd",
    "pose_table",
    "spatial",
    "sticker",
    "texture",
]
