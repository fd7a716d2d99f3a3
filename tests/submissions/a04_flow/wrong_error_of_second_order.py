"""The combination for an error of order h²."""

EXPECTED = {"test_measured_slope": 0}
REPLACE = {
    "measured_slope": {"2 * narrow - wide": "(4 * narrow - wide) / 3"},
}
