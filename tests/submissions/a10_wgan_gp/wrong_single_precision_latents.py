"""Latents are in float32, whatever the images are."""

EXPECTED = {"test_turns": 0, "test_steps": 0, "test_average": 0}
REPLACE = {
    "train": {
        ", dtype=real.dtype))": "))",
    },
}
