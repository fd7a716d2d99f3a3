"""The square of the mean, too large by V / R."""

EXPECTED = {"test_noise_ratio": 0}
REPLACE = {
    "noise_ratio": {" - spread / len(flat)": ""},
}
