"""The slope is measured in the norm of the perturbations."""

EXPECTED = {"test_perturbed_penalty": 0}
REPLACE = {
    "perturbed_penalty": {
        "{1: math.inf, 2: 2, math.inf: 1}[p]": "p",
    },
}
