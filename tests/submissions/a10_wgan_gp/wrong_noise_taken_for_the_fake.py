"""The perturbation is mixed with the image, as the made image is in WGAN-GP."""

EXPECTED = {"test_perturbed_penalty": 0}
REPLACE = {
    "perturbed_penalty": {
        ("real + share.view(-1, *[1] * (real.dim() - 1)) * noise"): (
            "real + share.view(-1, *[1] * (real.dim() - 1)) * (noise - real)"
        ),
    },
}
