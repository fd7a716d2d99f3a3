"""Queries of an estimate are billed to places among those that are left."""

EXPECTED = {"test_attack": 0, "test_attack_budget": 0, "test_attack_traces": 0}
REPLACE = {
    "attack_under_budget": {
        "lead(points, numbers[rows])": "lead(points, rows)",
    },
}
