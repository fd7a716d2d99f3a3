"""The scores are clamped in place."""

EXPECTED = {"test_boundary_distance": 0}
REPLACE = {
    "boundary_distance": {
        "scores.clamp(": "scores.clamp_(",
    },
}
