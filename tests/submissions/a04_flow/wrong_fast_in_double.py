"""The fast solution is float64 whatever c is."""

EXPECTED = {"test_fast_stream": 0}
REPLACE = {
    "fast_stream": {"    down, across, both": "    c = c.double()\n    down, across, both"},
}
