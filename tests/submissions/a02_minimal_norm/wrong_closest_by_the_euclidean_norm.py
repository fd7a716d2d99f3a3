"""Of the successes the one of the least Euclidean distance is kept."""

EXPECTED = {"test_carlini_wagner": 0}
REPLACE = {"carlini_wagner": {"cost * (x - images)": "(x - images)"}}
