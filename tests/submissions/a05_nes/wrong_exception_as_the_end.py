"""Asks until the oracle refuses, and gives back what it has then."""

EXPECTED = {"test_attack": 0, "test_attack_budget": 0, "test_attack_traces": 0}
REPLACE = {
    "attack_under_budget": {
        (
            "        active = active[(value <= 0) & (oracle.left(active) >= samples + 1)]\n"
        ): "        active = active[value <= 0]\n",
        ("    while len(active):\n        value = lead(x[active], active)\n"): (
            "    while len(active):\n"
            "        try:\n"
            "            value = lead(x[active], active)\n"
            "        except RuntimeError:\n"
            "            break\n"
        ),
        (
            "        found = rademacher_gradient(\n"
            "            lambda points, rows, numbers=numbers: lead(points, numbers[rows]), "
            "x[active], samples, sigma, generator\n"
            "        )\n"
        ): (
            "        try:\n"
            "            found = rademacher_gradient(\n"
            "                lambda points, rows, numbers=numbers: lead(points, "
            "numbers[rows]), x[active], samples, sigma, generator\n"
            "            )\n"
            "        except RuntimeError:\n"
            "            break\n"
        ),
    },
}
