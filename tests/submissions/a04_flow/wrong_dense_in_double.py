"""The dense solution is float64 whatever c is."""

EXPECTED = {"test_dense_stream": 0}
REPLACE = {
    "dense_stream": {"matrix.to(c)": "matrix", "-c.flatten": "-c.double().flatten"},
}
