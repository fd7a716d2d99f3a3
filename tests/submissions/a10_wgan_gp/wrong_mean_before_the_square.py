"""The mean of the batch is taken before the square."""

EXPECTED = {"test_perturbed_penalty": 0}
REPLACE = {
    "perturbed_penalty": {
        "order, dim=1) - 1": "order, dim=1).mean().expand(len(real)) - 1",
    },
}
