"""The loss ahead, less the loss at the image, divided by h."""

EXPECTED = {"test_measured_slope": 0}
REPLACE = {"measured_slope": {"for t in (h, -h)": "for t in (h, 0)", "/ (2 * h)": "/ h"}}
