"""The generator is seeded in the function."""

EXPECTED = {"test_crop_positions": 0}
REPLACE = {
    "crop_positions": {
        "    inside =": "    generator.manual_seed(0)\n    inside =",
    },
}
