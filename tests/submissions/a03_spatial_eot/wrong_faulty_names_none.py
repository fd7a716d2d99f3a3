"""No line is named."""

EXPECTED = {"test_faulty": 0}
REPLACE = {"faulty": {'{"a", "c", "h", "j", "k"}': "set()"}}
