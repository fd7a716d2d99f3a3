"""Checks of numbers and choices: what torch can take is let in, whatever made it, and the rest is refused by name."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch

from advcourse.core.validation import check_above, check_at_least, check_choice, check_flag, check_images
from tests.support.refusals import refused


@pytest.mark.parametrize("value", [1, 0.5, np.float32(0.5), np.float64(0.5), np.float16(0.5), np.int64(1), np.uint8(1)])
def test_numbers_are_let_in(value):
    check_at_least(0, x=value)
    check_above(0, x=value)


@pytest.mark.parametrize(
    "value",
    [
        True,
        np.bool_(True),
        Fraction(1, 2),
        Decimal("0.5"),
        "1",
        None,
        1j,
        float("nan"),
        float("inf"),
        np.float32("inf"),
    ],
)
def test_what_is_no_number_of_torchs_is_refused(value):
    for check in (check_at_least, check_above):
        with refused("x is .*, expected a finite number", value):
            check(0, x=value)


@pytest.mark.parametrize("value", [1e300, -1e300, np.float64(1e39), 10**30, -(10**30), 10**400])
def test_what_float32_or_int64_does_not_hold_is_refused(value):
    with refused("x is .*, expected at most .* in size", value):
        check_at_least(-float("inf"), x=value)


@pytest.mark.parametrize("value", ["no", "", 0, 1, None, torch.tensor(True)])
def test_a_flag_is_true_or_false(value):
    with refused("wide is .*, expected True or False", value):
        check_flag(narrow=True, wide=value)
    check_flag(wide=np.bool_(False))


def test_images_that_hold_no_values_are_refused():
    with refused("x is on the meta device, expected"):
        check_images(torch.zeros(1, 1, 2, 2, device="meta"), "x")


@pytest.mark.parametrize("value", [np.array(["linf"]), np.array("linf"), ["linf"], None, "LINF"])
def test_a_choice_is_a_string(value):
    with refused("norm is .*, expected one of linf, l2", value):
        check_choice("norm", value, ("linf", "l2"))
    check_choice("norm", np.str_("l2"), ("linf", "l2"))
