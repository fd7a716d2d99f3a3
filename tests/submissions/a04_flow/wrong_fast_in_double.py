"""The fast solution is float64 whatever c is."""

EXPECTED = {"test_fast_stream": 0}
REPLACE = {
    "fast_stream": {"    both = torch": "    c = c.double()\n    both = torch"},
}
