"""ε comes from the global random numbers."""

EXPECTED = {"test_perturbed_penalty": 0}
REPLACE = {
    "perturbed_penalty": {
        "generator=generator, ": "",
    },
}
