"""Attacks: functions ``(model, images, labels, *, …, targets=None) -> adversarial images``."""

from advcourse.attacks.carlini_wagner import carlini_wagner
from advcourse.attacks.ddn import ddn
from advcourse.attacks.deepfool import deepfool
from advcourse.attacks.ensemble import ensemble
from advcourse.attacks.eot import eot
from advcourse.attacks.gradient import fgsm, ifgsm, pgd
from advcourse.attacks.momentum import difgsm, mifgsm
from advcourse.attacks.outcomes import Outcomes, outcomes
from advcourse.attacks.patch import Patch, patch
from advcourse.attacks.robustness import rho_adv
from advcourse.attacks.spatial import spatial
from advcourse.attacks.stadv import stadv
from advcourse.attacks.sticker import Sticker, bars, sticker
from advcourse.attacks.textured import TexturedObject, pose_table, texture
from advcourse.attacks.universal import fooling_rate, fooling_table, universal

__all__ = [
    "Outcomes",
    "Patch",
    "Sticker",
    "TexturedObject",
    "bars",
    "carlini_wagner",
    "ddn",
    "deepfool",
    "difgsm",
    "ensemble",
    "eot",
    "fgsm",
    "fooling_rate",
    "fooling_table",
    "ifgsm",
    "mifgsm",
    "outcomes",
    "patch",
    "pgd",
    "pose_table",
    "rho_adv",
    "spatial",
    "stadv",
    "sticker",
    "texture",
    "universal",
]
