"""Both solvers forget the minus sign of -c."""

EXPECTED = {"test_dense_stream": 0, "test_fast_stream": 0}
REPLACE = {
    "dense_stream": {"-c.flatten": "c.flatten"},
    "fast_stream": {"transform(-c)": "transform(c)"},
}
