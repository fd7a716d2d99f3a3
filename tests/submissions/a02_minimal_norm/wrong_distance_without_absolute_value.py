"""The absolute value is missing, so the distances are negative."""

EXPECTED = {"test_boundary_distances": 0}
REPLACE = {"boundary_distances": {"gaps.abs()": "gaps"}}
