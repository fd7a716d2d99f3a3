"""The same sign for both components: upper and lower sides are read from left to right."""

EXPECTED = {"test_velocity": 0}
REPLACE = {
    "velocity": {"-corners.diff(dim=2)": "corners.diff(dim=2)"},
}
