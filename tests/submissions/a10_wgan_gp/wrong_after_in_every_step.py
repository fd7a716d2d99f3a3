"""What comes after a step of the critic comes after those of the generator, too."""

EXPECTED = {"test_turns": 0}
REPLACE = {
    "train": {
        "        to_generator.step()\n": (
            "        to_generator.step()\n        if after is not None:\n            after(critic)\n"
        ),
    },
}
