"""Goes to the class of the second largest logit, in both exercises, whatever its distance."""

EXPECTED = {"test_nearest_boundary": 0, "test_deepfool_step": 0}
REPLACE = {
    "nearest_boundary": {
        "boundary_distances(weight, bias, images, cost).argmin(1)": (
            "(images.flatten(1) @ weight.T + bias).topk(2).indices[:, 1]"
        )
    },
    "deepfool_step": {"(gaps / gains.sqrt()).scatter": "gaps.scatter"},
}
