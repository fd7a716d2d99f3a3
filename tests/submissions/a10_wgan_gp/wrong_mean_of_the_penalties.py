"""A mean over the batch is returned."""

EXPECTED = {"test_perturbed_penalty": 0}
REPLACE = {
    "perturbed_penalty": {
        ("return excess.relu().square() + below * (-excess).relu().square()"): (
            "return (excess.relu().square() + below * (-excess).relu().square()).mean()"
        ),
    },
}
