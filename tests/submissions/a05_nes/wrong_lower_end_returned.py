"""The radius at which the target is not listed comes back."""

EXPECTED = {"test_shrink": 0}
REPLACE = {
    "shrink": {
        "    reach = high.view(-1, 1, 1, 1)\n    return": (
            "    high = low\n    reach = high.view(-1, 1, 1, 1)\n    return"
        ),
    },
}
