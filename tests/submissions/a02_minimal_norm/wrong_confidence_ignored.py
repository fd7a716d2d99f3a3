"""The floor of the hinge is 0, whatever the confidence."""

EXPECTED = {"test_hinge": 0, "test_hinge_targeted": 0}
REPLACE = {"hinge": {".clamp(min=-confidence)": ".relu()"}}
