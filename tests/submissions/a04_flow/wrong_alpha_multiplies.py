"""The result is multiplied by alpha."""

EXPECTED = {"test_dense_stream": 0, "test_fast_stream": 0}
REPLACE = {
    "dense_stream": {"system = alpha * (roughness": "system = 1 / alpha * (roughness"},
    "fast_stream": {" / alpha)": " * alpha)"},
}
