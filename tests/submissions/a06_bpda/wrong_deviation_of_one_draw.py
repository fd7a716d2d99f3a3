"""The standard deviation of one draw."""

EXPECTED = {"test_judge": 0}
REPLACE = {
    "judge": {
        "(accuracies.std() / draws**0.5)": "accuracies.std()",
    },
}
