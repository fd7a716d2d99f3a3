"""The normal is multiplied by the costs in the place of divided: what is dear moves most."""

EXPECTED = {"test_boundary_distances": 0, "test_nearest_boundary": 0, "test_deepfool_step": 0, "test_objective": 0}
REPLACE = {
    "boundary_distances": {"normals / cost": "normals * cost"},
    "nearest_boundary": {"normal / cost": "normal * cost"},
    "deepfool_step": {"normals / cost": "normals * cost"},
    "objective": {"cost * (x - images).square()": "(x - images).square() / cost"},
}
