"""The costs of the first image are those of all."""

EXPECTED = {
    "test_boundary_distances": 0,
    "test_nearest_boundary": 0,
    "test_deepfool_step": 0,
    "test_deepfool": 0,
    "test_objective": 0,
}
REPLACE = {
    "boundary_distances": {"cost.expand_as(images)": "cost[:1].expand_as(images)"},
    "nearest_boundary": {"cost.expand_as(images)": "cost[:1].expand_as(images)"},
    "deepfool_step": {"cost.expand_as(images)": "cost[:1].expand_as(images)"},
    "deepfool": {"deepfool_step(model, x, cost)": "deepfool_step(model, x, cost[:1])"},
    "objective": {"cost * (x - images)": "cost[:1] * (x - images)"},
}
