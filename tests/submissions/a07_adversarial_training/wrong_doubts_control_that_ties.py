"""An attack that does no more than random signs passes."""

EXPECTED = {"test_doubts": 0}
REPLACE = {"doubts": {"<= least": "< least"}}
