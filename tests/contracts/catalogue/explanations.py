"""The explanations. One joins by a line."""

from tests.contracts.explanations import Case

CATALOGUE: list[Case] = []
