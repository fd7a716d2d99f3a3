"""artanh without scaling: infinite for pixels at a bound."""

EXPECTED = {"test_tanh": 0}
REPLACE = {"tanh": {"TAU * (2 * share - 1)": "2 * share - 1"}}
