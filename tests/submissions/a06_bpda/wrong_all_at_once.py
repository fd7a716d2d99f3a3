"""at_once is ignored."""

EXPECTED = {"test_crop_gradient": 0}
REPLACE = {
    "crop_gradient": {
        "owner.split(at_once)": "owner.split(10**9)",
        "positions.flatten(0, 1).split(at_once)": "positions.flatten(0, 1).split(10**9)",
    },
}
