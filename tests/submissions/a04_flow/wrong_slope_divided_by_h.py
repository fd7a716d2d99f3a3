"""The central difference is divided by h instead of 2h."""

EXPECTED = {"test_measured_slope": 0}
REPLACE = {"measured_slope": {"/ (2 * h)": "/ h"}}
