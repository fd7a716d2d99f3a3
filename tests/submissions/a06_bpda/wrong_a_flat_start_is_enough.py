"""A curve that has never risen counts as finished."""

EXPECTED = {"test_may_stop": 0}
REPLACE = {
    "may_stop": {
        " or curve[-1] == curve[0]": "",
    },
}
