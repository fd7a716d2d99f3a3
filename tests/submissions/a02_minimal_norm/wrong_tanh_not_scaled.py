"""artanh without scaling: infinite for pixels of 0 and 1."""

EXPECTED = {"test_tanh": 0}
REPLACE = {"tanh": {"TAU * (2 * images.detach() - 1)": "2 * images.detach() - 1"}}
