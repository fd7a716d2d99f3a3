"""The floor of the hinge is 0, whatever the confidence."""

EXPECTED = {"test_hinge": 0, "test_hinge_one_class": 0}
REPLACE = {"hinge": {".clamp(min=-confidence)": ".relu()"}}
