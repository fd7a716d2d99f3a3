"""An image is looked at after a step only, so that one misclassified from the start is attacked."""

EXPECTED = {"test_attack": 0, "test_attack_budget": 0}
REPLACE = {
    "attack_under_budget": {
        ("    while len(active):\n        value = lead(x[active], active)\n"): (
            "    first = True\n"
            "    while len(active):\n"
            "        value = lead(x[active], active)\n"
            "        value, first = (value - torch.inf if first else value), False\n"
        ),
    },
}
