"""Of the successes the one of the least dual norm is kept: the costs divide where they multiply."""

EXPECTED = {"test_carlini_wagner": 0}
REPLACE = {"carlini_wagner": {"(cost * (x - images).square())": "((x - images).square() / cost)"}}
