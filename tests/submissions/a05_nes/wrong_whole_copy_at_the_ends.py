"""A whole copy is taken off where all agree."""

EXPECTED = {"test_boundary_distance": 0}
REPLACE = {
    "boundary_distance": {
        "0.5 / copies, 1 - 0.5 / copies": "1 / copies, 1 - 1 / copies",
    },
}
