"""The attack is called for nobody."""

EXPECTED = {"test_mixed_loss": 0}
REPLACE = {"mixed_loss": {"if chosen.any():": "if True:"}}
