"""P is D_xᵀ D_x alone."""

EXPECTED = {"test_dense_field": 0}
REPLACE = {"dense_field": {" + along_y.T @ along_y": ""}}
