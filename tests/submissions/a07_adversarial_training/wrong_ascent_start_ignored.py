"""It always begins at the images."""

EXPECTED = {"test_ascend": 0}
REPLACE = {"ascend": {"images if start is None else start": "images"}}
