"""The sum over the images."""

EXPECTED = {"test_mixed_loss": 0}
REPLACE = {"mixed_loss": {" / len(images)": ""}}
