"""The distance is divided by the square of the norm."""

EXPECTED = {"test_boundary_distances": 0}
REPLACE = {"boundary_distances": {"scaled.norm(dim=2)": "scaled.square().sum(2)"}}
