"""Latents come from the global random numbers."""

EXPECTED = {"test_turns": 0, "test_steps": 0, "test_average": 0}
REPLACE = {
    "train": {
        "generator=chance, ": "",
    },
}
