"""The last radius tried comes back, whether its target was listed or not."""

EXPECTED = {"test_shrink": 0}
REPLACE = {
    "shrink": {
        "    reach = high.view(-1, 1, 1, 1)\n    return": (
            "    if queries > 1 and len(rows):\n"
            "        high[rows] = middle\n"
            "    reach = high.view(-1, 1, 1, 1)\n"
            "    return"
        ),
    },
}
