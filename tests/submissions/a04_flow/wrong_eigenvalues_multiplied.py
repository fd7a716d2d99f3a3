"""The eigenvalues of the two sides are multiplied."""

EXPECTED = {"test_fast_stream": 0}
REPLACE = {
    "fast_stream": {"*values).sum(1)": "*values).prod(1)"},
}
