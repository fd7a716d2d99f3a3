"""The last window has risen by less than the tolerance."""

EXPECTED = {"test_may_stop": 0}
REPLACE = {
    "may_stop": {
        "now == 0 or (now < before and now * now / (before - now) <= tolerance)": "now <= tolerance",
    },
}
