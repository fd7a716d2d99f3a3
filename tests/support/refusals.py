"""What is refused, and in which words."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from advcourse.grading.checks import CheckFailed


def says(pattern: str):
    """A check of an assignment that fails, saying so."""
    return pytest.raises(CheckFailed, match=pattern)


@contextmanager
def refused(pattern: str, given: object = "what was given") -> Iterator[None]:
    """The body must raise a ValueError that says so, and fails as an assertion where it does not."""
    said = None
    try:
        yield
    except ValueError as error:
        said = str(error)
    assert said is not None, f"{given} is not refused, expected a ValueError with {pattern!r}"
    assert re.search(pattern, said), f"{given} is refused by {said!r}, expected {pattern!r}"
