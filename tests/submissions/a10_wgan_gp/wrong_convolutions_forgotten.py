"""Convolutions are not held, and have no part in the product."""

EXPECTED = {"test_project": 0, "test_lipschitz": 0}
REPLACE = {
    "project": {
        "nn.Linear | nn.Conv2d": "nn.Linear",
    },
    "lipschitz": {
        "nn.Linear | nn.Conv2d": "nn.Linear",
    },
}
