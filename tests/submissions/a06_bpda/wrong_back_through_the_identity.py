"""The straight-through gradient: dropped pixels get one."""

EXPECTED = {"test_drop_gradient": 0}
REPLACE = {
    "drop_gradient": {
        "painted = filled(x, mask)": "painted = x",
    },
}
