"""The stand-in forward as well."""

EXPECTED = {"test_drop_gradient": 0}
REPLACE = {
    "drop_gradient": {
        "model(seen)": "model(painted)",
    },
}
