"""Points come image by image, rows pair by pair."""

EXPECTED = {"test_rademacher_points": 0, "test_rademacher_gradient": 0}
REPLACE = {
    "rademacher_gradient": {
        ".repeat_interleave(pairs)": ".repeat(pairs)",
    },
}
