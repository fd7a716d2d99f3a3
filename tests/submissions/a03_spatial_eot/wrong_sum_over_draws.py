"""The sum over the draws."""

EXPECTED = {"test_eot_gradient": 0}
REPLACE = {
    "eot_gradient": {" / len(transforms)": ""},
}
