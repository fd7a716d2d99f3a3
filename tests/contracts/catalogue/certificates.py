"""The certificates. One joins by a line."""

from tests.contracts.certificates import Case

CATALOGUE: list[Case] = []
