"""Two windows without a rise are divided by each other."""

EXPECTED = {"test_may_stop": 0}
REPLACE = {
    "may_stop": {
        "now == 0 or (now < before and now * now / (before - now) <= tolerance)": (
            "now / before < 1 and now * now / (before - now) <= tolerance"
        ),
    },
}
