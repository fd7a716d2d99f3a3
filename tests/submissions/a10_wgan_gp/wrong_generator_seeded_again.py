"""The generator is seeded again, as for a run that can be repeated."""

EXPECTED = {"test_perturbed_penalty": 0}
REPLACE = {
    "perturbed_penalty": {
        ("share = torch.rand(len(real), generator=generator, dtype=real.dtype)"): (
            "generator.manual_seed(0)\n    share = torch.rand(len(real), generator=generator, dtype=real.dtype)"
        ),
    },
}
