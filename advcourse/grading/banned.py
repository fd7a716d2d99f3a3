"""What an assignment asks to be written, and the library has: called by a submission, it refuses while that is graded.

So does what the tests compare with. The files are empty to a submission, where there is a sandbox: loading them anew
gives nothing. It makes the short way long, no more: the library's source lies open, and whoever copies it writes it
down.
"""

from __future__ import annotations

import importlib
import inspect
from importlib.util import cache_from_source
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

BANNED = {
    "a01_ifgsm": "attacks: fgsm ifgsm mifgsm pgd; core.balls: project; evaluation: fooling_rate",
    "a02_minimal_norm": (
        "attacks: deepfool super_deepfool carlini_wagner; attacks._deepfool: nearest_boundary; "
        "attacks._carlini_wagner: minimise; evaluation: rho_adv"
    ),
    "a03_spatial_eot": "attacks: spatial; wrappers: eot random_rigid",
    "a04_flow": "structured: derivatives eigenvectors flow flow_field flow_step flow_with_field warp",
    "a05_nes": (
        "blackbox: nes nes_gradient nes_partial nes_label_only label_score; blackbox._nes: estimated; "
        "grading.estimates: right"
    ),
    "a06_bpda": "wrappers: bpda eot; grading.crops: slope _of_means",
    "a07_adversarial_training": (
        "attacks: pgd; core.balls: project; "
        "defenses: adversarial advprop cure curvature_penalty fast free llr mart organic_and_perturbed trades; "
        "grading.turning: _middle _along _squares _slopes _pulls _mistaken; "
        "grading.claims: _refuting _misread_claims _signs _misread_signs"
    ),
    "a10_wgan_gp": (
        "gan: critic_gradients fit gradient_penalty lsgan r3gan standard_gan wgan wgan_gp; gan._penalty: slopes"
    ),
}
"""By assignment, functions by their module in ``advcourse``: none that its given cells or master's answers call."""


TESTS = tuple(
    (
        "agreeing averages beside boosting chance climbing critics drawn fields games halves linear "
        "lipschitz modes motion pairs patches penalties queries radii ranked replays through warping"
    ).split()
)
"""Modules of ``advcourse.grading`` of which tests alone call something: all that they hold is refused."""


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
    for tests in _tests():
        code = _refusal(f"{tests.__name__} is for tests: while a submission is graded they run elsewhere")
        for thing in vars(tests).values():
            for each in [thing, *(vars(thing).values() if isinstance(thing, type) else [])]:
                own = isinstance(each, FunctionType) and each.__module__ == tests.__name__
                if own and not each.__code__.co_freevars:  # a code with variables from outside cannot be replaced
                    each.__code__ = code


def files(assignment: str) -> list[Path]:
    """Where the source of what is refused lies, and the code that was made of it."""
    sources = {inspect.getfile(tests) for tests in _tests()}
    for name in names(assignment):
        module, _, attribute = name.rpartition(".")
        sources.add(inspect.getfile(inspect.unwrap(getattr(importlib.import_module(module), attribute))))
    found = [Path(path) for source in sorted(sources) for path in (source, cache_from_source(source))]
    return [path for path in found if path.is_file()]


def _tests() -> list[ModuleType]:
    return [importlib.import_module(f"advcourse.grading.{name}") for name in TESTS]


def _refusal(words: str) -> CodeType:
    def refused(*given: Any, **named: Any) -> Any:
        raise ImportError("WORDS")

    code = refused.__code__
    return code.replace(co_consts=tuple(words if each == "WORDS" else each for each in code.co_consts))
