"""All steps of a round see the same real images."""

EXPECTED = {"test_turns": 0}
REPLACE = {
    "train": {
        ("        for _ in range(critic_steps):\n            real = next(batches)\n"): (
            "        real = next(batches)\n        for _ in range(critic_steps):\n"
        ),
        (
            "        real = next(batches)\n        fake = made(real)\n        to_generator"
        ): "        fake = made(real)\n        to_generator",
    },
}
