"""Every member of every kind keeps the contracts of its kind, and every contract refuses what breaks it.

A kind joins by its name in :data:`KINDS`: its module, its catalogue and its planted violations bear that name.
"""

import re
from importlib import import_module

import pytest
import torch

from tests.contracts.contract import broken, contracts, marks, runs

KINDS = (
    "attacks",
    "blackbox",
    "certificates",
    "defenses",
    "explanations",
    "gan_losses",
    "training_losses",
)
KIND = {name: import_module(f"tests.contracts.{name}") for name in KINDS}
CATALOGUE = {name: import_module(f"tests.contracts.catalogue.{name}").CATALOGUE for name in KINDS}
PLANTED = {name: import_module(f"tests.contracts.planted.{name}") for name in KINDS}
CUDA = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")]


def named(*parts):
    """No address in a test's name: every xdist worker must collect the same names."""
    return "-".join(re.sub(r"^check_", "", getattr(part, "__name__", str(part))) for part in parts)


@pytest.mark.parametrize(
    ("check", "case", "variant"),
    [
        pytest.param(
            check,
            case,
            variant,
            id=named(kind, check, case.name, *variant.values()),
            marks=[*(CUDA if variant.get("device") == "cuda" else ()), *slow],
        )
        for kind, catalogue in CATALOGUE.items()
        for case in catalogue
        for slow in [marks(case, catalogue)]
        for check, variant in runs(KIND[kind], case)
    ],
)
def test_a_member_keeps_the_contracts_of_its_kind(check, case, variant):
    check(case, **variant)


@pytest.mark.parametrize(
    ("kind", "case"),
    [pytest.param(kind, case, id=named(kind, case.name)) for kind in KINDS for case in PLANTED[kind].KEEPS],
)
def test_what_keeps_all_contracts_is_accepted(kind, case):
    assert broken(KIND[kind], case) == set()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "check"),
    [pytest.param(kind, check, id=named(kind, check)) for kind in KINDS for check in contracts(KIND[kind])],
)
def test_what_breaks_one_contract_is_refused_by_that_one_alone(kind, check):
    kept = [case for case in PLANTED[kind].KEEPS if check in (each for each, _ in runs(KIND[kind], case))]
    assert kept, "no case that keeps it is held to it"
    assert broken(KIND[kind], PLANTED[kind].BREAKS[check]) == {check.__name__}


@pytest.mark.parametrize("kind", KINDS)
def test_names_are_each_members_own(kind):
    names = [case.name for case in CATALOGUE[kind]]
    assert len(set(names)) == len(names)
    assert PLANTED[kind].BREAKS.keys() == set(contracts(KIND[kind]))
