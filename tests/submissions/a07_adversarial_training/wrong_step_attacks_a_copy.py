"""A copy in eval mode is attacked."""

EXPECTED = {"test_min_max_loss": 0}
REPLACE = {"min_max_loss": {"attack(model, images": 'attack(__import__("copy").deepcopy(model), images'}}
