"""An ε for every channel (of a point, for each of its numbers)."""

EXPECTED = {"test_perturbed_penalty": 0}
REPLACE = {
    "perturbed_penalty": {
        "torch.rand(len(real), generator": "torch.rand(real.shape[:2], generator",
        "share.view(-1, *[1] * (real.dim() - 1))": ("share.view(*share.shape, *[1] * (real.dim() - 2))"),
    },
}
