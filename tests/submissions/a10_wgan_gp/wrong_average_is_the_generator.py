"""The generator itself comes back."""

EXPECTED = {"test_average": 0}
REPLACE = {
    "train": {
        "return average": "return generator",
    },
}
