"""Random signs pass for a black box."""

EXPECTED = {"test_doubts": 0}
REPLACE = {"doubts": {' & (part["attack"] != "random signs")': ""}}
