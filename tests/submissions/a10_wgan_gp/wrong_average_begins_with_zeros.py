"""The average begins with zeros."""

EXPECTED = {"test_average": 0}
REPLACE = {
    "train": {
        "    average = copy.deepcopy(generator)\n": (
            "    average = copy.deepcopy(generator)\n    for a in average.parameters():\n        a.data.zero_()\n"
        ),
    },
}
