"""The minus sign of the rate is forgotten."""

EXPECTED = {"test_predicted_slope": 0}
REPLACE = {
    "predicted_slope": {"-fast_stream": "fast_stream"},
}
