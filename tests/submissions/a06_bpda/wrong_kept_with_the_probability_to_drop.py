"""The mask is turned round."""

EXPECTED = {"test_drop_gradient": 0}
REPLACE = {
    "drop_gradient": {
        "drawn >= drop": "drawn < drop",
    },
}
