"""The weight is by the largest probability."""

EXPECTED = {"test_consistency": 0}
REPLACE = {"consistency": {"labels[:, None]": "clean.argmax(1)[:, None]"}}
