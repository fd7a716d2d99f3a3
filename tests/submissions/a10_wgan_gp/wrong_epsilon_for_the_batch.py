"""One ε for the whole batch."""

EXPECTED = {"test_perturbed_penalty": 0}
REPLACE = {
    "perturbed_penalty": {
        "torch.rand(len(real), generator": "torch.rand(1, generator",
    },
}
