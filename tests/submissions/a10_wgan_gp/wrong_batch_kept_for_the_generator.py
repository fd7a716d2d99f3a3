"""The generator's step has the batch of the critic's last."""

EXPECTED = {"test_turns": 0}
REPLACE = {
    "train": {
        (
            "        real = next(batches)\n        fake = made(real)\n        to_generator"
        ): "        fake = made(real)\n        to_generator",
    },
}
