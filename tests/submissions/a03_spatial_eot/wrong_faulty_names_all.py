"""All lines are named, to be sure."""

EXPECTED = {"test_faulty": 0}
REPLACE = {"faulty": {'{"a", "c", "h", "j", "k"}': 'set("abcdefghijk")'}}
