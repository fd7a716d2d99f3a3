"""The last window is counted among what is still to come."""

EXPECTED = {"test_may_stop": 0}
REPLACE = {
    "may_stop": {
        "now * now / (before - now)": "now * before / (before - now)",
    },
}
