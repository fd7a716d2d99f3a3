"""Outside it is black, and the field is zero."""

EXPECTED = {"test_follow": 0}
REPLACE = {
    "follow": {', padding_mode="border"': ""},
}
