"""The difference to both sides at h alone, as in the lecture."""

EXPECTED = {"test_measured_slope": 0}
REPLACE = {
    "measured_slope": {"2 * narrow - wide": "wide"},
}
