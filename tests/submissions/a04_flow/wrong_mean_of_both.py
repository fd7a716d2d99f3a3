"""The mean of the two measurements."""

EXPECTED = {"test_measured_slope": 0}
REPLACE = {
    "measured_slope": {"2 * narrow - wide": "(narrow + wide) / 2"},
}
