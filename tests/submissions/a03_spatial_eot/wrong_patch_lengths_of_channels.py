"""Every channel is divided by a length of its own."""

EXPECTED = {"test_patch_step": 0}
REPLACE = {
    "patch_step": {
        "g[:, mask].square().mean().sqrt()": "g[:, mask].square().mean(1).sqrt()[:, None, None]",
    },
}
