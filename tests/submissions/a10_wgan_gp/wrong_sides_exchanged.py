"""b is the weight of slopes above one."""

EXPECTED = {"test_perturbed_penalty": 0}
REPLACE = {
    "perturbed_penalty": {
        ("excess.relu().square() + below * (-excess).relu().square()"): (
            "below * excess.relu().square() + (-excess).relu().square()"
        ),
    },
}
