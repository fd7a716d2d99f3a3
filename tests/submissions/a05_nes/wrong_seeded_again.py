"""The generator is seeded in the function, so that every estimate has the same directions."""

EXPECTED = {"test_rademacher_points": 0}
REPLACE = {
    "rademacher_gradient": {
        "    pairs = samples // 2\n": "    pairs = samples // 2\n    generator.manual_seed(0)\n",
    },
}
