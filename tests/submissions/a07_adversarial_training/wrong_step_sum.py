"""The sum over the images."""

EXPECTED = {"test_min_max_loss": 0}
REPLACE = {"min_max_loss": {"model(moved), labels)": 'model(moved), labels, reduction="sum")'}}
