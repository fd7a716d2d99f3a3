"""Read at the nearest pixel."""

EXPECTED = {"test_follow": 0}
REPLACE = {
    "follow": {'padding_mode="border"': 'mode="nearest", padding_mode="border"'},
}
