"""Both solvers forget alpha."""

EXPECTED = {"test_dense_stream": 0, "test_fast_stream": 0}
REPLACE = {
    "dense_stream": {"alpha * (roughness": "(roughness"},
    "fast_stream": {" / alpha)": ")"},
}
