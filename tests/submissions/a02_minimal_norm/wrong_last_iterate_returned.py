"""Returns the last iterate, fooled or not."""

EXPECTED = {"test_carlini_wagner": 0}
REPLACE = {"carlini_wagner": {"return best": "return from_tanh(w, low, high).detach()"}}
