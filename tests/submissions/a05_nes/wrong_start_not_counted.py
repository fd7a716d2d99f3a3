"""The query about the start is one more than was asked for."""

EXPECTED = {"test_shrink": 0}
REPLACE = {
    "shrink": {
        "range(queries - 1)": "range(queries)",
    },
}
