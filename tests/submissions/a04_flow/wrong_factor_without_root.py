"""The factor is 2 / (n + 1)."""

EXPECTED = {"test_sine_transform": 0}
REPLACE = {
    "sine_transform": {"(2 / (n + 1)) ** 0.5": "(2 / (n + 1))"},
}
