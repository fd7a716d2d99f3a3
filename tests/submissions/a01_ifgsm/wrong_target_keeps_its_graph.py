"""The targeted attack hands back a tensor that requires a gradient."""

EXPECTED = {"test_targeted_ifgsm": 0}
REPLACE = {"targeted_ifgsm": {"    return adversarial": "    return adversarial.requires_grad_()"}}
