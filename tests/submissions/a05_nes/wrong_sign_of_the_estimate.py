"""The answer there is taken from the answer back."""

EXPECTED = {"test_rademacher_gradient": 0}
REPLACE = {
    "rademacher_gradient": {
        "(there - back)": "(back - there)",
    },
}
