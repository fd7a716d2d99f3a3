"""The nearest class is chosen by the Euclidean distance; the way there is the cheapest."""

EXPECTED = {"test_nearest_boundary": 0, "test_deepfool_step": 0}
REPLACE = {
    "nearest_boundary": {
        "boundary_distances(weight, bias, images, cost)": "boundary_distances(weight, bias, images, 0 * cost + 1)"
    },
    "deepfool_step": {"gaps / gains.sqrt()": "gaps / normals.norm(dim=2)"},
}
