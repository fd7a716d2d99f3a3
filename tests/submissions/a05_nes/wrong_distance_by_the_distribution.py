"""Φ in the place of its inverse."""

EXPECTED = {"test_boundary_distance": 0}
REPLACE = {
    "boundary_distance": {
        "ndtri": "ndtr",
    },
}
