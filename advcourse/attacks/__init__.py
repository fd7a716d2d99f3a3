"""Attacks: functions ``(model, images, labels, *, …, targets=None) -> adversarial images``."""

from typing import TYPE_CHECKING

from advcourse.attacks._alma import alma
from advcourse.attacks._apgd import apgd
from advcourse.attacks._carlini_wagner import carlini_wagner
from advcourse.attacks._ddn import ddn
from advcourse.attacks._deepfool import deepfool
from advcourse.attacks._difgsm import difgsm, diversify
from advcourse.attacks._ead import ead
from advcourse.attacks._fab import fab
from advcourse.attacks._fgsm import fgsm
from advcourse.attacks._fmn import fmn
from advcourse.attacks._ifgsm import ifgsm
from advcourse.attacks._mifgsm import mifgsm
from advcourse.attacks._pdpgd import pdpgd
from advcourse.attacks._pgd import pgd
from advcourse.attacks._sigma_zero import sigma_zero
from advcourse.attacks._spatial import spatial
from advcourse.attacks._square import square
from advcourse.attacks._stadv import flow_loss, stadv
from advcourse.attacks._super_deepfool import super_deepfool
from advcourse.attacks._universal import universal_deepfool, universal_sgd
from advcourse.core.lazy import submodules

__all__ = [
    "alma",
    "apgd",
    "carlini_wagner",
    "ddn",
    "deepfool",
    "difgsm",
    "diversify",
    "ead",
    "fab",
    "fgsm",
    "flow_loss",
    "fmn",
    "ifgsm",
    "mifgsm",
    "pdpgd",
    "pgd",
    "sigma_zero",
    "spatial",
    "square",
    "stadv",
    "super_deepfool",
    "universal_deepfool",
    "universal_sgd",
]

if not TYPE_CHECKING:  # mypy shall go on naming what is not there
    __getattr__, __dir__ = submodules(__name__, __path__)  # ``attacks.physical``, with its renderer, where it is used
