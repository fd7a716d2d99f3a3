"""Gamma is not used."""

EXPECTED = {"test_fast_stream": 0}
REPLACE = {
    "fast_stream": {"both + gamma * both.square()": "both"},
}
