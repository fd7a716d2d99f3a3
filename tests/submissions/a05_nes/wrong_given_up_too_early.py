"""One query more than a step costs is asked for."""

EXPECTED = {"test_attack_budget": 0}
REPLACE = {
    "attack_under_budget": {
        "oracle.left(active) >= samples + 1": "oracle.left(active) > samples + 1",
    },
}
