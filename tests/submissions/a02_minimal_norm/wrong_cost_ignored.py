"""The Euclidean norm everywhere, as in lecture 04: the costs are not used."""

EXPECTED = {
    "test_boundary_distances": 0,
    "test_nearest_boundary": 0,
    "test_deepfool_step": 0,
    "test_objective": 0,
    "test_carlini_wagner": 0,
}
REPLACE = {
    "boundary_distances": {" / cost.expand_as(images).flatten(1).sqrt()[:, None]": ""},
    "nearest_boundary": {
        "boundary_distances(weight, bias, images, cost)": "boundary_distances(weight, bias, images, 0 * cost + 1)",
        " / cost.expand_as(images).flatten(1)": "",
    },
    "deepfool_step": {" / cost.expand_as(images).flatten(1)[:, None]": ""},
    "objective": {"cost * (x - images)": "(x - images)"},
    "carlini_wagner": {"cost * (x - images)": "(x - images)"},
}
