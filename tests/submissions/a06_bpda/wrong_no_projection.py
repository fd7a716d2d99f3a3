"""The ball is forgotten."""

EXPECTED = {"test_attack_through": 0}
REPLACE = {
    "attack_through": {
        "x = x.clamp(images - eps, images + eps).clamp(0, 1).detach()": "x = x.clamp(0, 1).detach()",
    },
}
