"""The difference of the two losses, not divided by anything."""

EXPECTED = {"test_measured_slope": 0}
REPLACE = {"measured_slope": {" / (2 * h)": ""}}
