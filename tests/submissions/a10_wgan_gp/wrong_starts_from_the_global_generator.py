"""The starts come from the global random numbers."""

EXPECTED = {"test_project": 0, "test_lipschitz": 0}
REPLACE = {
    "project": {
        "generator=generator, ": "",
    },
    "lipschitz": {
        "generator=generator, ": "",
    },
}
