"""The mean loss of the batch."""

EXPECTED = {"test_measured_slope": 0}
REPLACE = {
    "measured_slope": {'reduction="none")': 'reduction="none").mean().expand(len(images))'},
}
