"""p + t v: the picture moves against the field."""

EXPECTED = {"test_follow": 0}
REPLACE = {
    "follow": {"places - t / steps": "places + t / steps"},
}
