"""The sign of the hinge: unwanted classes are to lead."""

EXPECTED = {"test_hinge": 0, "test_hinge_one_class": 0}
REPLACE = {"hinge": {"(other - best)": "(best - other)"}}
