"""The differences are divided by h and h / 2."""

EXPECTED = {"test_measured_slope": 0}
REPLACE = {
    "measured_slope": {"/ (2 * t)": "/ t"},
}
