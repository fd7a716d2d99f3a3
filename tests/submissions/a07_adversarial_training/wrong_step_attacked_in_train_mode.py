"""The attack runs in the mode of training."""

EXPECTED = {"test_min_max_loss": 0}
REPLACE = {"min_max_loss": {"    model.eval()\n": ""}}
