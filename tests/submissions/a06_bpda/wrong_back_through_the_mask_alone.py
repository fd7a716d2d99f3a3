"""Only the mask is differentiated."""

EXPECTED = {"test_drop_gradient": 0}
REPLACE = {
    "drop_gradient": {
        "painted = filled(x, mask)": "painted = mask * x",
    },
}
