"""β₂ is Adam's usual one."""

EXPECTED = {"test_steps": 0}
REPLACE = {
    "train": {
        "(0.0, 0.9)": "(0.0, 0.999)",
    },
}
