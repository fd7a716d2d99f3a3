"""Slopes below one count in full, whatever b is."""

EXPECTED = {"test_perturbed_penalty": 0}
REPLACE = {
    "perturbed_penalty": {
        ("excess.relu().square() + below * (-excess).relu().square()"): "excess.square()",
    },
}
