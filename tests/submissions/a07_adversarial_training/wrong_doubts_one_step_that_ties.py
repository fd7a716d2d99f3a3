"""One step that leaves as much as many is taken for a sign."""

EXPECTED = {"test_doubts": 0}
REPLACE = {"doubts": {"steps[0] < steps[1]": "steps[0] <= steps[1]"}}
