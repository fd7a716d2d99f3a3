"""The slope is looked at in the perturbed copy itself."""

EXPECTED = {"test_perturbed_penalty": 0}
REPLACE = {
    "perturbed_penalty": {
        ("real + share.view(-1, *[1] * (real.dim() - 1)) * noise"): "real + noise",
    },
}
