"""The decay is the share of what is new."""

EXPECTED = {"test_average": 0}
REPLACE = {
    "train": {
        "1 - decay": "decay",
    },
}
