"""ε and the points are in float32, whatever the images are."""

EXPECTED = {"test_perturbed_penalty": 0}
REPLACE = {
    "perturbed_penalty": {
        "generator=generator, dtype=real.dtype": "generator=generator",
        "between.detach()": "between.float().to(real.dtype).detach()",
    },
}
