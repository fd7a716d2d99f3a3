"""The defenses that transform. One joins by a line."""

from tests.contracts.defenses import Case

CATALOGUE: list[Case] = []
