"""The image with the fewest queries left decides for all."""

EXPECTED = {"test_attack_budget": 0}
REPLACE = {
    "attack_under_budget": {
        "(oracle.left(active) >= samples + 1)": "(oracle.left(active).min() >= samples + 1)",
    },
}
