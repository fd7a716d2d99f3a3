"""The slope is detached, and the graph cut."""

EXPECTED = {"test_perturbed_penalty": 0}
REPLACE = {
    "perturbed_penalty": {
        "slope.flatten(1), order": "slope.detach().flatten(1), order",
        "return excess.relu()": "return 0 * critic(between) + excess.relu()",
    },
}
