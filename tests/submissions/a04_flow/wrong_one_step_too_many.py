"""One step too many."""

EXPECTED = {"test_follow": 0}
REPLACE = {
    "follow": {"range(steps)": "range(steps + 1)"},
}
