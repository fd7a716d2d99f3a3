"""δ is computed in the caller's points."""

EXPECTED = {"test_nearest": 0}
REPLACE = {"nearest": {"points - images": "points.sub_(images)"}}
