"""The weight is 1 - p_y, whatever γ is."""

EXPECTED = {"test_consistency": 0}
REPLACE = {"consistency": {"(gamma * (others": "(1 * (others"}}
