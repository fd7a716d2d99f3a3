"""The error of a share of N images."""

EXPECTED = {"test_judge": 0}
REPLACE = {
    "judge": {
        "(accuracies.std() / draws**0.5)": "(accuracies.mean() * (1 - accuracies.mean()) / len(images)).sqrt()",
    },
}
