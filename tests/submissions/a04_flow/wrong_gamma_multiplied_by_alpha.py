"""I + alpha gamma P: gamma is multiplied by alpha, which then multiplies everything."""

EXPECTED = {"test_dense_field": 0}
REPLACE = {"dense_field": {"gamma * roughness": "alpha * gamma * roughness"}}
