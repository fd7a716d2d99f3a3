"""The attack runs once more, to look at its images."""

EXPECTED = {"test_min_max_loss": 0}
REPLACE = {"min_max_loss": {"        moved = attack": "        attack(model, images, labels)\n        moved = attack"}}
