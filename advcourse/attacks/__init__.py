"""Attacks: functions ``(model, images, labels, *, …, targets=None) -> adversarial images``."""

from advcourse.attacks.gradient import fgsm, ifgsm, pgd

__all__ = ["fgsm", "ifgsm", "pgd"]
