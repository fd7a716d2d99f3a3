"""All of V comes off the squared length of the mean of R estimates."""

EXPECTED = {"test_spread": 0}
REPLACE = {
    "spread": {
        "length - variance / len(estimates_of_all)": "length - variance",
    },
}
