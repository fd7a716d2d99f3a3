"""Writing into a window looks wrong, and is named: the gradient flows through it."""

EXPECTED = {"test_faulty": 0}
REPLACE = {"faulty": {'{"a", "c", "h", "j", "k"}': '{"a", "c", "g", "h", "j", "k"}'}}
