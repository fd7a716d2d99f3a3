"""The mean square is taken over the pixels whose gradient is not zero, in the place of those that are seen."""

EXPECTED = {"test_patch_step": 0}
REPLACE = {
    "patch_step": {
        "    rho = g[:, mask].square().mean().sqrt()\n": (
            "    moving = g[g != 0]\n    rho = moving.square().mean().sqrt() if len(moving) else g.sum()\n"
        ),
    },
}
