"""The generator of random numbers is seeded again in every round."""

EXPECTED = {"test_turns": 0}
REPLACE = {
    "train": {
        "    for _ in range(rounds):\n": ("    for _ in range(rounds):\n        chance.manual_seed(0)\n"),
    },
}
