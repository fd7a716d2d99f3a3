"""The objective has the distance instead of its square."""

EXPECTED = {"test_objective": 0}
REPLACE = {"objective": {"square().sum(1)": "norm(dim=1)"}}
