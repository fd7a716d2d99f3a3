"""The two measurements are exchanged in the combination."""

EXPECTED = {"test_measured_slope": 0}
REPLACE = {
    "measured_slope": {"2 * narrow - wide": "2 * wide - narrow"},
}
