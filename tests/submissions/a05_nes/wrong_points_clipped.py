"""The points are cut to [0, 1] before they are asked about."""

EXPECTED = {"test_rademacher_points": 0, "test_rademacher_gradient": 0}
REPLACE = {
    "rademacher_gradient": {
        "(x + sigma * u)": "(x + sigma * u).clamp(0, 1)",
        "(x - sigma * u)": "(x - sigma * u).clamp(0, 1)",
    },
}
