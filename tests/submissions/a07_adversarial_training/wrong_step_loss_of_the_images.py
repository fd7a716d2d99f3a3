"""The loss is that of the images as they are."""

EXPECTED = {"test_min_max_loss": 0}
REPLACE = {"min_max_loss": {"model(moved)": "model(images)"}}
