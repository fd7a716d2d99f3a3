"""ε is drawn from a normal distribution."""

EXPECTED = {"test_perturbed_penalty": 0}
REPLACE = {
    "perturbed_penalty": {
        "torch.rand(len(real)": "torch.randn(len(real)",
    },
}
