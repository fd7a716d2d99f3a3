"""Slopes below one are free, whatever b is."""

EXPECTED = {"test_perturbed_penalty": 0}
REPLACE = {
    "perturbed_penalty": {
        " + below * (-excess).relu().square()": "",
    },
}
