"""The number of steps is not used."""

EXPECTED = {"test_follow": 0}
REPLACE = {
    "follow": {"for _ in range(steps)": "for _ in range(1)", "t / steps": "t"},
}
