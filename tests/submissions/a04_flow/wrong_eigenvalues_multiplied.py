"""The eigenvalues of the two sides are multiplied."""

EXPECTED = {"test_fast_stream": 0}
REPLACE = {
    "fast_stream": {"a[:, None] + b": "a[:, None] * b"},
}
