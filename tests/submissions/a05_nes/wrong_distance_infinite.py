"""Scores of 0 and 1 are infinitely far away."""

EXPECTED = {"test_boundary_distance": 0}
REPLACE = {
    "boundary_distance": {
        "scores.clamp(0.5 / copies, 1 - 0.5 / copies)": "scores",
    },
}
