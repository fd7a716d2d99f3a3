"""The model is asked once, and the answer is copied."""

EXPECTED = {"test_judge": 0}
REPLACE = {
    "judge": {
        "[model(images).argmax(1) == labels for _ in range(draws)]": "[model(images).argmax(1) == labels] * draws",
    },
}
