"""Attacks: functions ``(model, images, labels, *, …, targets=None) -> adversarial images``."""

from advcourse.attacks.eot import eot
from advcourse.attacks.gradient import fgsm, ifgsm, pgd
from advcourse.attacks.patch import Patch, patch

__all__ = ["Patch", "eot", "fgsm", "ifgsm", "patch", "pgd"]
