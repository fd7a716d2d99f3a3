"""The weights of the first images go to the chosen ones."""

EXPECTED = {"test_mixed_loss": 0}
REPLACE = {"mixed_loss": {"beta[chosen]": "beta[: len(moved)]"}}
