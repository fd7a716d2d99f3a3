"""Each step is kept within ε of the step before it."""

EXPECTED = {"test_attack_through": 0}
REPLACE = {
    "attack_through": {
        "x = x.detach() + step_size * slope.sign()": (
            "old = x.detach()\n            x = old + step_size * slope.sign()"
        ),
        "x.clamp(images - eps, images + eps)": "x.clamp(old - eps, old + eps)",
    },
}
