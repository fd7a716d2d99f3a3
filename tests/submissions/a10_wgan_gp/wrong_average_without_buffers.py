"""The running means of the average are those of the start."""

EXPECTED = {"test_average": 0}
REPLACE = {
    "train": {
        "            a.copy_(w)": "            pass",
    },
}
