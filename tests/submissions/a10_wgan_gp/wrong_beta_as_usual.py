"""Adam's usual β."""

EXPECTED = {"test_steps": 0}
REPLACE = {
    "train": {
        ", betas=(0.0, 0.9)": "",
    },
}
