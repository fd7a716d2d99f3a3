"""2m numbers are taken for 2m steps."""

EXPECTED = {"test_may_stop": 0}
REPLACE = {
    "may_stop": {
        "len(curve) - 1 < 2 * last": "len(curve) < 2 * last",
        "before, now = curve[-1 - last] - curve[-1 - 2 * last]": (
            "before, now = curve[-1 - last] - curve[max(-len(curve), -1 - 2 * last)]"
        ),
    },
}
