"""The generator's made images are detached."""

EXPECTED = {"test_turns": 0, "test_steps": 0, "test_average": 0}
REPLACE = {
    "train": {
        "        fake = made(real)\n        to_generator": ("        fake = made(real).detach()\n        to_generator"),
    },
}
