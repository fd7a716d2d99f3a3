"""What an assignment asks to be written, and the library has: called by a submission, it refuses while that is graded.

It makes the short way long, no more: the library's source lies open, and whoever copies it writes it down.
"""

from __future__ import annotations

import importlib
import inspect
from types import CodeType
from typing import Any

BANNED = {
    "a01_ifgsm": "attacks: fgsm ifgsm mifgsm pgd; core.balls: project; evaluation: fooling_rate",
    "a02_minimal_norm": (
        "attacks: deepfool super_deepfool carlini_wagner; attacks._deepfool: nearest_boundary; "
        "attacks._carlini_wagner: minimise; evaluation: rho_adv"
    ),
    "a03_spatial_eot": "attacks: spatial; wrappers: eot random_rigid",
    "a04_flow": "structured: derivatives eigenvectors flow flow_field flow_step flow_with_field warp",
    "a05_nes": "blackbox: nes nes_gradient nes_partial nes_label_only label_score; blackbox._nes: estimated",
    "a06_bpda": "wrappers: bpda eot",
    "a07_adversarial_training": (
        "attacks: pgd; core.balls: project; "
        "defenses: adversarial advprop cure curvature_penalty fast free llr mart organic_and_perturbed trades"
    ),
    "a10_wgan_gp": (
        "gan: critic_gradients fit gradient_penalty lsgan r3gan standard_gan wgan wgan_gp; gan._penalty: slopes"
    ),
}
"""By assignment, functions by their module in ``advcourse``: none that its given cells or master's answers call."""


def names(assignment: str) -> list[str]:
    """The dotted names that are refused for an assignment."""
    groups = [group.partition(":") for group in BANNED.get(assignment, "").split(";") if group]
    return [f"advcourse.{module.strip()}.{name}" for module, _, those in groups for name in those.split()]


def refuse(assignment: str) -> None:
    """Have those functions raise ``ImportError``, in this process, whoever holds them already.

    Raises:
        AttributeError: for a name that the library does not have.
    """
    for name in names(assignment):
        module, _, attribute = name.rpartition(".")
        function: Any = inspect.unwrap(getattr(importlib.import_module(module), attribute))
        function.__code__ = _refusal(f"{name} is what this assignment asks you to write")


def _refusal(words: str) -> CodeType:
    def refused(*given: Any, **named: Any) -> Any:
        raise ImportError("WORDS")

    code = refused.__code__
    return code.replace(co_consts=tuple(words if each == "WORDS" else each for each in code.co_consts))
