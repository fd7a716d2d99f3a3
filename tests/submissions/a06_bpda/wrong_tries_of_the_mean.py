"""The mean over the images is taken first."""

EXPECTED = {"test_judge": 0}
REPLACE = {
    "judge": {
        "1 - sum(spared) / len(spared)": "1 - accuracies.mean().item() ** tries",
    },
}
