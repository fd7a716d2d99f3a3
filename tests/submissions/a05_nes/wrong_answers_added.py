"""The two answers of a pair are added, so that the constant stays and the slope cancels."""

EXPECTED = {"test_rademacher_gradient": 0}
REPLACE = {
    "rademacher_gradient": {
        "(there - back)": "(there + back)",
    },
}
