"""P² by squaring every entry."""

EXPECTED = {"test_dense_stream": 0}
REPLACE = {
    "dense_stream": {"roughness @ roughness": "roughness**2"},
}
