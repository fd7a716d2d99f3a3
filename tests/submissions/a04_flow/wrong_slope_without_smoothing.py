"""Gamma is not handed over."""

EXPECTED = {"test_predicted_slope": 0}
REPLACE = {
    "predicted_slope": {"fast_stream(c, gamma, alpha)": "fast_stream(c, 0, alpha)"},
}
