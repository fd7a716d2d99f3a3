"""The transforms are drawn once, before the first step."""

EXPECTED = {"test_eot_attack": 0}
REPLACE = {
    "eot_attack": {
        "    for _ in range(steps):": "    transforms = draw()\n    for _ in range(steps):",
        "targets, draw())": "targets, transforms)",
    }
}
