"""Each step is as long as the whole way."""

EXPECTED = {"test_follow": 0}
REPLACE = {
    "follow": {"t / steps * read": "t * read"},
}
