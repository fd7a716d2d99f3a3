"""β of DCGAN."""

EXPECTED = {"test_steps": 0}
REPLACE = {
    "train": {
        "(0.0, 0.9)": "(0.5, 0.999)",
    },
}
