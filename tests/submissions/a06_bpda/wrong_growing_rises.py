"""A growing rise makes the sum negative, and the negative sum is small."""

EXPECTED = {"test_may_stop": 0}
REPLACE = {
    "may_stop": {
        "now < before and ": "now != before and ",
    },
}
