"""The network is left in eval mode."""

EXPECTED = {"test_min_max_loss": 0}
REPLACE = {"min_max_loss": {"        for module, mode in was:\n            module.training = mode\n": ""}}
