"""The difference of two answers is halved, and not divided by σ."""

EXPECTED = {"test_rademacher_gradient": 0}
REPLACE = {
    "rademacher_gradient": {
        "(there - back) / (2 * sigma)": "(there - back) / 2",
    },
}
