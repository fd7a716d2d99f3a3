"""All images have the mean of the β."""

EXPECTED = {"test_mixed_loss": 0}
REPLACE = {
    "mixed_loss": {
        "    everything, answers = images, labels": (
            "    beta = beta.mean().expand(len(images))\n    everything, answers = images, labels"
        )
    }
}
