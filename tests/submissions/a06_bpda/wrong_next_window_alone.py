"""Only the next window is counted, not the whole series."""

EXPECTED = {"test_may_stop": 0}
REPLACE = {
    "may_stop": {
        "now * now / (before - now)": "now * now / before",
    },
}
