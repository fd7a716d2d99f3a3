"""The step is divided by the Euclidean norm."""

EXPECTED = {"test_patch_step": 0}
REPLACE = {
    "patch_step": {
        "g[:, mask].square().mean().sqrt()": "g.norm()",
    },
}
