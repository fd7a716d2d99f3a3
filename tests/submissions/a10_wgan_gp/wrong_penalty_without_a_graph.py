"""The penalty has its value, but no gradient to the weights."""

EXPECTED = {"test_perturbed_penalty": 0}
REPLACE = {
    "perturbed_penalty": {
        "create_graph=True": "create_graph=False",
    },
}
