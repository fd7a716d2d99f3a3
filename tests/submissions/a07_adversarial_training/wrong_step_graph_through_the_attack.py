"""A graph to the weights leads through the attacked images."""

EXPECTED = {"test_min_max_loss": 0}
REPLACE = {"min_max_loss": {"labels).detach()": "labels)"}}
