"""Attacks: functions ``(model, images, labels, *, …, targets=None) -> adversarial images``."""

from typing import TYPE_CHECKING

from advcourse.attacks._carlini_wagner import carlini_wagner
from advcourse.attacks._ddn import ddn
from advcourse.attacks._deepfool import deepfool
from advcourse.attacks._difgsm import difgsm, diversify
from advcourse.attacks._fgsm import fgsm
from advcourse.attacks._ifgsm import ifgsm
from advcourse.attacks._mifgsm import mifgsm
from advcourse.attacks._pgd import pgd
from advcourse.attacks._spatial import spatial
from advcourse.attacks._stadv import flow_loss, stadv
from advcourse.attacks._universal import universal_deepfool, universal_sgd
from advcourse.core.lazy import submodules

__all__ = [
    "carlini_wagner",
    "ddn",
    "deepfool",
    "difgsm",
    "diversify",
    "fgsm",
    "flow_loss",
    "ifgsm",
    "mifgsm",
    "pgd",
    "spatial",
    "stadv",
    "universal_deepfool",
    "universal_sgd",
]

if not TYPE_CHECKING:  # mypy shall go on naming what is not there
    __getattr__, __dir__ = submodules(__name__, __path__)  # ``attacks.physical``, with its renderer, where it is used
