"""What a contract is.

A kind of thing (attack, defense, …) is a module of this folder: ``Case`` describes a member of the kind, and each
function ``check_NAME(case)`` is a contract, which asserts one thing that every member promises. The members stand in
``catalogue/``, each in one line or block; ``planted/`` holds what keeps the contracts, and for every contract what
breaks that one. ``test_contracts.py`` runs them all.
"""

import inspect
from collections.abc import Callable
from itertools import product
from types import ModuleType
from typing import Any

import pytest
import torch

DEVICES = ("cpu", "cuda")
DTYPES = (torch.float32, torch.float64)


def only(applies: Callable[[Any], bool]) -> Callable:
    """A contract of those cases for which this is so."""

    def mark(check: Callable) -> Callable:
        check.applies = applies
        return check

    return mark


def over(**values: tuple) -> Callable:
    """A contract that takes these arguments too, and is run with every combination of their values."""

    def mark(check: Callable) -> Callable:
        check.variants = [dict(zip(values, each, strict=True)) for each in product(*values.values())]
        return check

    return mark


def contracts(kind: ModuleType) -> list[Callable]:
    """In the order in which the module defines them."""
    return [check for name, check in vars(kind).items() if name.startswith("check_")]


def runs(kind: ModuleType, case: Any) -> list[tuple[Callable, dict[str, Any]]]:
    """The contracts that hold for a case, each with the further arguments of every run."""
    held = [check for check in contracts(kind) if getattr(check, "applies", lambda case: True)(case)]
    return [(check, variant) for check in held for variant in getattr(check, "variants", [{}])]


def flags(function: Callable) -> dict[str, tuple]:
    """What each argument that is True or False by default must refuse; ``progress`` may be anything."""
    parameters = inspect.signature(function).parameters.values()
    return {
        each.name: ("no", 1, None) for each in parameters if isinstance(each.default, bool) and each.name != "progress"
    }


def marks(case: Any, catalogue: list) -> list:
    """``make quick`` runs one case of each function, the first; the further ones are ``slow``."""

    def function(member):
        return getattr(getattr(member, "attack", member), "func", member)

    before = catalogue[: catalogue.index(case)]
    return [pytest.mark.slow] if any(function(each) is function(case) for each in before) else []


def cases(catalogue: list) -> list:
    """What ``parametrize`` takes: a test of every case, by its name."""
    return [pytest.param(case, id=case.name, marks=marks(case, catalogue)) for case in catalogue]


def broken(kind: ModuleType, case: Any) -> set[str]:
    """Names of the contracts that a case breaks on this machine's processor."""
    found = set()
    for check, variant in runs(kind, case):
        if variant.get("device", "cpu") == "cpu":
            try:
                check(case, **variant)
            except AssertionError:
                found.add(check.__name__)
    return found
