"""Where everything is fooled it goes on."""

EXPECTED = {"test_may_stop": 0}
REPLACE = {
    "may_stop": {
        "    if curve[-1] == 1:\n        return True\n": "",
    },
}
