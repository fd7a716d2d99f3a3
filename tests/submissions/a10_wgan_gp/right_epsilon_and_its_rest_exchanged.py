"""ε and 1 - ε have changed places: the image has the share 1 - ε of the perturbed copy."""

EXPECTED = {}
REPLACE = {
    "perturbed_penalty": {
        "between = real + share.view(-1, *[1] * (real.dim() - 1)) * noise": (
            "share = share.view(-1, *[1] * (real.dim() - 1))\n    between = share * real + (1 - share) * (real + noise)"
        ),
        "dtype=real.dtype": "dtype=torch.float32",
    },
}
