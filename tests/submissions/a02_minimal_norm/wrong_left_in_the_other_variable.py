"""The perturbation is given in the variable in which the norm is Euclidean; the way back is forgotten."""

EXPECTED = {"test_nearest_boundary": 0, "test_deepfool_step": 0}
REPLACE = {
    "nearest_boundary": {"[:, None] * way)": "[:, None] * way * cost.expand_as(images).flatten(1).sqrt())"},
    "deepfool_step": {"ways[each, nearest])": "ways[each, nearest] * cost.expand_as(images).flatten(1).sqrt())"},
}
