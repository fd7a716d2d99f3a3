"""The half pixel is forgotten."""

EXPECTED = {"test_follow": 0}
REPLACE = {
    "follow": {"(2 * places + 1)": "(2 * places)"},
}
