"""Divides by the costs where their roots belong, and by their squares where they do."""

EXPECTED = {"test_boundary_distances": 0, "test_nearest_boundary": 0, "test_deepfool_step": 0, "test_objective": 0}
REPLACE = {
    "boundary_distances": {".sqrt()[:, None]": "[:, None]"},
    "nearest_boundary": {"cost.expand_as(images).flatten(1)": "cost.expand_as(images).flatten(1).square()"},
    "deepfool_step": {"cost.expand_as(images).flatten(1)": "cost.expand_as(images).flatten(1).square()"},
    "objective": {"cost * (x - images).square()": "(cost * (x - images)).square()"},
}
