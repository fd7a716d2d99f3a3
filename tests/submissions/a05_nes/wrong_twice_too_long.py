"""A pair is divided by σ, as if its points were σ apart."""

EXPECTED = {"test_rademacher_gradient": 0}
REPLACE = {
    "rademacher_gradient": {
        "(there - back) / (2 * sigma)": "(there - back) / sigma",
    },
}
