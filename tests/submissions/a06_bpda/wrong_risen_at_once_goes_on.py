"""Whether the curve has risen is asked from its second number on."""

EXPECTED = {"test_may_stop": 0}
REPLACE = {
    "may_stop": {
        "curve[-1] == curve[0]": "curve[-1] == curve[1]",
    },
}
