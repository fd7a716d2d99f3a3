"""The black-box methods. One joins by a line."""

from tests.contracts.blackbox import Case

CATALOGUE: list[Case] = []
