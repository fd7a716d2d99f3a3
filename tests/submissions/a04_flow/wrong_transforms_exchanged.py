"""The transform of the rows is applied to the columns, which fits squares only."""

EXPECTED = {"test_fast_stream": 0}
REPLACE = {
    "fast_stream": {"for side in c.shape[1:]": "for side in c.shape[:0:-1]"},
}
