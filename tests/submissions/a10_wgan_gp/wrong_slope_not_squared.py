"""The difference from one is not squared."""

EXPECTED = {"test_perturbed_penalty": 0}
REPLACE = {
    "perturbed_penalty": {
        ("excess.relu().square() + below * (-excess).relu().square()"): "excess.relu() + below * (-excess).relu()",
    },
}
