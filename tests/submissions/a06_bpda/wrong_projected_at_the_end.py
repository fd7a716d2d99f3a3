"""The ball is seen to once, after the last step."""

EXPECTED = {"test_attack_through": 0}
REPLACE = {
    "attack_through": {
        "x = x.clamp(images - eps, images + eps).clamp(0, 1).detach()": (
            "x = x.clamp(0, 1).detach()\n"
            "            if k == steps - 1:\n"
            "                x = x.clamp(images - eps, images + eps)"
        ),
    },
}
