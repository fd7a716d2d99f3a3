"""D in place of D - 1 in the variance."""

EXPECTED = {"test_judge": 0}
REPLACE = {
    "judge": {
        "accuracies.std()": "accuracies.std(correction=0)",
    },
}
