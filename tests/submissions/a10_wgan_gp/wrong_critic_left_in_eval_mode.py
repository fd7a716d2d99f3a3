"""The critic is put into eval mode, and left there."""

EXPECTED = {"test_perturbed_penalty": 0}
REPLACE = {
    "perturbed_penalty": {
        ("share = torch.rand(len(real), generator=generator, dtype=real.dtype)"): (
            "critic.eval()\n    share = torch.rand(len(real), generator=generator, dtype=real.dtype)"
        ),
    },
}
