"""The images are moved in place."""

EXPECTED = {"test_perturbed_penalty": 0}
REPLACE = {
    "perturbed_penalty": {
        ("between = real + share.view(-1, *[1] * (real.dim() - 1)) * noise"): (
            "between = real.add_(share.view(-1, *[1] * (real.dim() - 1)) * noise)"
        ),
    },
}
