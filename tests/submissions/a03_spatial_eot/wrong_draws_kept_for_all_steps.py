"""The draws are made once."""

EXPECTED = {"test_eot_attack": 0}
REPLACE = {
    "eot_attack": {
        "    for _ in range(steps):": "    once = draw()\n    for _ in range(steps):",
        "targets, draw(), margin": "targets, once, margin",
    },
}
