"""An ε for every pixel."""

EXPECTED = {"test_perturbed_penalty": 0}
REPLACE = {
    "perturbed_penalty": {
        "torch.rand(len(real), generator": "torch.rand(real.shape, generator",
        "share.view(-1, *[1] * (real.dim() - 1))": "share",
    },
}
