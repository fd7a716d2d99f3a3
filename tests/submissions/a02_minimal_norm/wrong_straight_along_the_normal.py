"""The nearest class is chosen by cost, but the way there goes straight along the normal."""

EXPECTED = {"test_nearest_boundary": 0, "test_deepfool_step": 0}
REPLACE = {
    "nearest_boundary": {" / cost.expand_as(images).flatten(1)": ""},
    "deepfool_step": {
        "(gaps / gains)[each, nearest][:, None] * ways[each, nearest]": (
            "(gaps / normals.square().sum(2))[each, nearest][:, None] * normals[each, nearest]"
        )
    },
}
