"""Differences to one side."""

EXPECTED = {"test_measured_slope": 0}
REPLACE = {
    "measured_slope": {"(loss(t) - loss(-t)) / (2 * t)": "(loss(t) - loss(0)) / t"},
}
