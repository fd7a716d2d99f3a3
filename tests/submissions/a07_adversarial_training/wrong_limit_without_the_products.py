"""p pᵀ is left out."""

EXPECTED = {"test_limit": 0}
REPLACE = {"limit": {" - p[:, :, None] * p[:, None, :]": ""}}
