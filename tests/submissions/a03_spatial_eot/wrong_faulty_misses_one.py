"""The images that are overwritten are not noticed."""

EXPECTED = {"test_faulty": 0}
REPLACE = {"faulty": {'{"a", "c", "h", "j", "k"}': '{"a", "h", "j", "k"}'}}
