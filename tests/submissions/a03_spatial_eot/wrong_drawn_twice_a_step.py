"""draw() is called twice in every step."""

EXPECTED = {"test_eot_attack": 0}
REPLACE = {
    "eot_attack": {"    for _ in range(steps):": "    for _ in range(steps):\n        draw()"},
}
