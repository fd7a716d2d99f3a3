"""Gamma stands before P, not before P²."""

EXPECTED = {"test_dense_stream": 0}
REPLACE = {
    "dense_stream": {"roughness + gamma * roughness @ roughness": "gamma * roughness + roughness @ roughness"},
}
