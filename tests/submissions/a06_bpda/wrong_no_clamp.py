"""Pixels leave [0, 1]."""

EXPECTED = {"test_attack_through": 0}
REPLACE = {
    "attack_through": {
        "x = x.clamp(images - eps, images + eps).clamp(0, 1).detach()": (
            "x = x.clamp(images - eps, images + eps).detach()"
        ),
    },
}
