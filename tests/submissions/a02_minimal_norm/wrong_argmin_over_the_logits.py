"""Goes to the class of the second largest logit, in both exercises, whatever its distance."""

EXPECTED = {"test_nearest_boundary": 0, "test_deepfool_step": 0}
REPLACE = {
    "nearest_boundary": {
        "distance, nearest = distances.min(1)": "nearest = (images.flatten(1) @ weight.T + bias).topk(2).indices[:, 1]",
        "distance[:, None] * normal": "distances.gather(1, nearest[:, None]) * normal",
    },
    "deepfool_step": {"(gaps / normals.norm(dim=2)).scatter": "gaps.scatter"},
}
