"""Both move at once, whatever is asked."""

EXPECTED = {"test_contraction": 0}
REPLACE = {
    "contraction": {
        ("    if alternating:\n        rows[1] = [step / 2 * pull, 1 - step**2 / 4]\n"): "",
    },
}
