"""Both networks are put into train mode, and left there."""

EXPECTED = {"test_turns": 0, "test_steps": 0, "test_average": 0}
REPLACE = {
    "train": {
        "    for _ in range(rounds):\n": ("    generator.train()\n    critic.train()\n    for _ in range(rounds):\n"),
    },
}
