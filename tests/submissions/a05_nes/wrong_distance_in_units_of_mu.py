"""The distance is not multiplied by μ."""

EXPECTED = {"test_boundary_distance": 0}
REPLACE = {
    "boundary_distance": {
        "mu * torch": "torch",
    },
}
