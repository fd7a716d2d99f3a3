"""One step more than asked for."""

EXPECTED = {"test_ascend": 0}
REPLACE = {"ascend": {"range(steps)": "range(steps + 1)"}}
