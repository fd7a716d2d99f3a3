"""The roots of the costs where the costs themselves belong."""

EXPECTED = {"test_boundary_distances": 0, "test_nearest_boundary": 0, "test_objective": 0}
REPLACE = {
    "boundary_distances": {".sqrt()[:, None]": ".sqrt().sqrt()[:, None]"},
    "nearest_boundary": {"cost.expand_as(images).flatten(1)": "cost.expand_as(images).flatten(1).sqrt()"},
    "objective": {"cost * (x - images)": "cost.sqrt() * (x - images)"},
}
