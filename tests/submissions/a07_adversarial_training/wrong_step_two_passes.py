"""The images go through the network too, and the statistics move twice."""

EXPECTED = {"test_min_max_loss": 0}
REPLACE = {"min_max_loss": {"    return F": "    model(images)\n    return F"}}
