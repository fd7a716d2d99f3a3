"""The letters come in a list, in another order, one of them twice."""

EXPECTED = {}
REPLACE = {"faulty": {'{"a", "c", "h", "j", "k"}': '["k", "a", "c", "j", "h", "a"]'}}
