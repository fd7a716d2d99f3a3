"""Gamma is not multiplied by alpha."""

EXPECTED = {"test_dense_stream": 0, "test_fast_stream": 0}
REPLACE = {
    "dense_stream": {
        ("alpha * (roughness + gamma * roughness @ roughness)"): "alpha * roughness + gamma * roughness @ roughness"
    },
    "fast_stream": {"(both + gamma * both.square()) / alpha": "(alpha * both + gamma * both.square())"},
}
